# SPDX-License-Identifier: MIT OR Apache-2.0
"""The generator of the driver's tables, on the installed registry as registries of other years spell it.

usage: generate_test.py GENERATOR DESCRIPTION VK_XML
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

GENERATOR, DESCRIPTION, VK_XML = sys.argv[1:4]
with open(VK_XML, encoding="utf-8") as file:
    REGISTRY = file.read()
LATER_XML = os.path.join(os.path.dirname(GENERATOR), "later.xml")
with open(LATER_XML, encoding="utf-8") as file:
    LATER = file.read()
OLD = REGISTRY.replace('queues="VK_QUEUE_GRAPHICS_BIT"', 'queues="graphics"')


def generate(registry, description=None, later=()):
    """What is written, by name; the sentence if that fails."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, "vk.xml"), os.path.join(folder, "description.txt")]
        with open(DESCRIPTION, encoding="utf-8") as file:
            texts = [registry, description or file.read()]
        for path, text in zip(paths, texts):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        out = os.path.join(folder, "out")
        made = subprocess.run([sys.executable, GENERATOR, *paths, out, *later], text=True,
                              capture_output=True)
        if made.returncode:
            return made.stderr
        written = {}
        for name in os.listdir(out):
            with open(os.path.join(out, name), encoding="utf-8") as file:
                written[name] = file.read()
        return written


def with_format(registry, name, extension):
    """A registry with one more format of a red half, which the extension adds."""
    row = (f'<format name="{name}" class="16-bit" blockSize="2" texelsPerBlock="1">'
           '<component name="R" bits="16" numericFormat="SFLOAT"/></format>')
    registry = registry.replace("<formats>", f"<formats>{row}", 1)
    enum = (f'<enum extends="VkFormat" extnumber="900" offset="0" name="{name}"/>')
    return re.sub(rf'(<extension name="{extension}"[^>]*>\s*<require[^>]*>)',
                  lambda found: found[1] + enum, registry, count=1)


def elements(kind, text):
    """Those of a kind that have a name and content, by name."""
    return {found[1]: found[0] for found in
            re.finditer(rf'^ *<{kind}\b[^>]*?\bname="(\w+)"[^>]*?(?:/>|[^/]>(?:[^\n]*</{kind}>|.*?\n *</{kind}>))',
                        text, re.DOTALL | re.MULTILINE)}


class Generator(unittest.TestCase):
    def test_young_extensions_do_not_depend_on_the_registry(self):
        extensions = elements("extension", LATER)
        structures = {name: re.search(rf'<type [^>]*name="{name}".*?\n    </type>', LATER,
                                      re.DOTALL)[0]
                      for name in re.findall(r'<type name="(\w+)"/>', LATER)}
        self.assertEqual(3, len(extensions))
        lacking, knowing = REGISTRY, REGISTRY
        for name, text in {**extensions, **structures}.items():
            known = elements("extension" if name in extensions else "type", REGISTRY).get(name)
            end = "</extensions>" if name in extensions else "</types>"
            if known:
                lacking = lacking.replace(known, "")
            else:
                knowing = knowing.replace(end, text + end, 1)
        made, other = generate(lacking, later=[LATER_XML]), generate(knowing, later=[LATER_XML])
        self.assertIsInstance(made, dict, made)
        self.assertIsInstance(other, dict, other)
        for name in structures:
            self.assertIn(f"struct {name} {{", made["structures.hpp"])
            self.assertNotIn(f"struct {name} {{", other["structures.hpp"])
            self.assertIn(name.removesuffix("KHR"), other["tables.cpp"])
        for name in extensions:
            self.assertIn(f'"{name}"', made["tables.cpp"])
        promoted = lambda text: sorted(text.replace("FeaturesKHR", "Features").replace("FEATURES_KHR", "FEATURES")
                                       .splitlines())
        self.assertEqual(promoted(other["tables.cpp"]), promoted(made["tables.cpp"]))

    def test_every_command_of_a_table_has_one_body(self):
        for registry in OLD, OLD.replace('queues="graphics"', 'queues="VK_QUEUE_GRAPHICS_BIT"'):
            made = generate(registry)
            self.assertIsInstance(made, dict, made)
            declared = set(re.findall(r"VKAPI_CALL (vk\w+)\(", made["entry_points.hpp"]))
            refused = set(re.findall(r"VKAPI_CALL (vk\w+)\(", made["refused.cpp"]))
            source = os.path.join(os.path.dirname(GENERATOR), "src")
            written = set()
            for name in os.listdir(source):
                with open(os.path.join(source, name), encoding="utf-8") as file:
                    written.update(re.findall(r"VKAPI_CALL\s+(vk\w+)\(", file.read()))
            self.assertLess(20, len(refused))
            self.assertEqual(set(), declared - refused - written, "without a body")
            self.assertEqual(set(), refused & written, "with two")

    def test_both_spellings_of_queues_make_the_same(self):
        new = OLD.replace('queues="graphics"', 'queues="VK_QUEUE_GRAPHICS_BIT"')
        self.assertNotEqual(OLD, new)
        self.assertEqual(generate(OLD), generate(new))

    def test_a_third_spelling_is_refused(self):
        said = generate(OLD.replace('queues="graphics"', 'queues="drawing"'))
        self.assertIn("marks no command as one of graphics queues", said)

    def test_formats_are_those_of_what_is_taken(self):
        formats = generate(OLD)["formats.cpp"]
        self.assertIn("VK_FORMAT_A4R4G4B4_UNORM_PACK16", formats)  # of the core since 1.3
        added = with_format(OLD, "VK_FORMAT_R16_SFLOAT_TEST", "VK_EXT_robustness2")
        self.assertIn("VK_FORMAT_R16_SFLOAT_TEST", generate(added)["formats.cpp"])
        # Of an extension that is not taken, and in another encoding than IEEE 754's.
        other = with_format(OLD, "VK_FORMAT_R16_SFLOAT_TEST", "VK_KHR_swapchain")
        self.assertEqual(formats, generate(other)["formats.cpp"])
        coded = with_format(OLD, "VK_FORMAT_R16_SFLOAT_FPENCODING_TEST", "VK_EXT_robustness2")
        self.assertEqual(formats, generate(coded)["formats.cpp"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
