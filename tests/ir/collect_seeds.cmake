# SPDX-License-Identifier: MIT OR Apache-2.0
# Copies the compiled test shaders to the fuzz target's seed corpus.
file(GLOB modules ${FROM}/*.spv)
file(COPY ${modules} DESTINATION ${TO})
