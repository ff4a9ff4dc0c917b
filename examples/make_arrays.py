#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the arrays that the examples of the documents read: x.npy and y.npy, 1,000,000
float32 each, x[i] = i mod 1000 and y[i] = 1.

usage: make_arrays.py FOLDER
"""
import array
import os
import sys

COUNT = 1_000_000


def write(path, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(values)},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"  # data begins at a multiple of 64
    data = array.array("f", values)
    if sys.byteorder == "big":
        data.byteswap()
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        data.tofile(file)


if __name__ == "__main__":
    write(os.path.join(sys.argv[1], "x.npy"), [float(i % 1000) for i in range(COUNT)])
    write(os.path.join(sys.argv[1], "y.npy"), [1.0] * COUNT)
