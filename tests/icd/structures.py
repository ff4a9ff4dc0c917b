# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a row for each structure of the registry that extends another and needs no header of a
platform: {VkStructureType, size, name, what it extends}.

usage: structures.py VK_XML OUT"""
import sys
import xml.etree.ElementTree as ElementTree

root = ElementTree.parse(sys.argv[1]).getroot()


def of_vulkan(element):
    return "vulkan" in element.get("api", element.get("supported", "vulkan")).split(",")


# What the header has without a platform being named, provisional extensions among them.
there = set()
for element in root.findall("feature") + root.find("extensions").findall("extension"):
    if of_vulkan(element) and not element.get("platform") and not element.get("provisional"):
        for block in filter(of_vulkan, element.findall("require")):
            there.update(type_.get("name") for type_ in block.findall("type"))

with open(sys.argv[2], "w", encoding="utf-8") as out:
    for structure in root.find("types"):
        name = structure.get("name")
        if structure.get("category") != "struct" or structure.get("alias") or name not in there:
            continue
        members = [m for m in structure.findall("member") if of_vulkan(m)]
        if structure.get("structextends") and of_vulkan(structure) and members[0].get("values"):
            out.write(f'{{{members[0].get("values")}, sizeof({name}), "{name}", '
                      f'",{structure.get("structextends")},"}},\n')
