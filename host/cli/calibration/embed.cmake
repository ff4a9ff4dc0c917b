# SPDX-License-Identifier: MIT OR Apache-2.0
# The bytes of IN as numbers behind commas, into OUT.
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT} "${bytes}\n")
