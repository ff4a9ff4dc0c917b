// SPDX-License-Identifier: MIT OR Apache-2.0
#include "page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "charts.hpp"

namespace sokr::bench {
namespace {

using measure::escaped;

constexpr std::string_view kVersus = ".vs_";

// "cpu.real.matmul_f32" and "openblas" of "cpu.real.matmul_f32.vs_openblas". A name may go on
// behind the peer: what it says is of the row.
struct Versus {
  std::string row, peer;
};
std::optional<Versus> versus(const std::string& name) {
  const std::size_t at = name.find(kVersus);
  if (at == std::string::npos) return std::nullopt;
  std::string peer = name.substr(at + kVersus.size());
  std::string row = name.substr(0, at);
  if (const std::size_t dot = peer.find('.'); dot != std::string::npos) {
    row += peer.substr(dot);
    peer.resize(dot);
  }
  return Versus{std::move(row), std::move(peer)};
}

bool is_peer(const std::string& name) {
  return std::ranges::any_of(peer_names(), [&](const PeerName& one) { return one.name == name; });
}

// What stands in front of an end; none if it has another.
std::optional<std::string> before(const std::string& name, std::string_view end) {
  if (!name.ends_with(end)) return std::nullopt;
  return name.substr(0, name.size() - end.size());
}

const Other* other_of(const std::string& name) {
  for (const Other& one : other_names()) {
    if (name.ends_with(one.suffix)) return &one;
  }
  return nullptr;
}

std::vector<const PeerName*> present(const Sheet& sheet) {
  std::vector<const PeerName*> all;
  for (const PeerName& peer : peer_names()) {
    if (std::ranges::any_of(sheet.rows,
                            [&](const auto& row) { return row.second.contains(peer.name); })) {
      all.push_back(&peer);
    }
  }
  return all;
}

// In a few characters: 0.043, 0.92, 13, 309. What is nearly 1 is not 1, which would be won and
// lost.
std::string short_number(double value) {
  if (value >= 9.95) return fmt::format("{:.0f}", value);
  std::string text = fmt::format("{:.2g}", value);
  return text == "1" ? fmt::format("{:.3g}", value) : text;
}

// Its end is what tells rows apart.
std::string fitting(const std::string& name, std::size_t width) {
  return name.size() <= width ? name : "..." + name.substr(name.size() - width + 3);
}

std::string bound_text(const Bounds& bounds, const std::string& name, double value) {
  const auto found = bounds.find(name);
  const Limits limits = found == bounds.end() ? Limits{} : limits_of(*found);
  if (!limits.least && !limits.most) return "<td></td>";
  const bool kept = limits.least ? value >= *limits.least : value <= *limits.most;
  return fmt::format("<td class=\"n {}\">{} {:.6g}</td>", kept ? "win" : "loss",
                     limits.least ? "&ge;" : "&le;", limits.least ? *limits.least : *limits.most);
}

std::string mark(bool won, double value) {
  return fmt::format("<td class=\"n {}\">{}<span class=\"w\"> {}</span></td>", won ? "win" : "loss",
                     short_number(value), won ? "won" : "lost");
}

// A long name may be broken behind its dots and underscores.
std::string breakable(const std::string& name) {
  std::string text;
  for (const char c : escaped(name)) {
    text += c;
    if (c == '.' || c == '_') text += "<wbr>";
  }
  return text;
}

std::string peer_table(const Sheet& sheet) {
  if (sheet.rows.empty()) return {};
  const auto peers = present(sheet);
  std::string html =
      "<h2>Against others</h2>\n<p>How many times longer the other takes: above 1 is won.</p>\n"
      "<div class=\"wide\"><table><thead><tr><th>figure</th>";
  for (const PeerName* peer : peers) html += fmt::format("<th class=\"n\">{}</th>", peer->title);
  html += "</tr></thead><tbody>\n";
  for (const auto& [row, ratios] : sheet.rows) {
    html += fmt::format("<tr><td>{}</td>", breakable(row));
    for (const PeerName* peer : peers) {
      const auto found = ratios.find(peer->name);
      html += found == ratios.end() ? "<td></td>" : mark(found->second >= 1, found->second);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string other_table(const Sheet& sheet) {
  if (sheet.others.empty()) return {};
  std::string html =
      "<h2>Time against the same by hand</h2>\n<p>Below 1 is won.</p>\n<table><thead><tr>"
      "<th>figure</th><th>against</th><th class=\"n\">ratio</th></tr></thead><tbody>\n";
  for (const auto& [name, value] : sheet.others) {
    html += fmt::format("<tr><td>{}</td><td>{}</td>{}</tr>\n", escaped(name), other_of(name)->title,
                        mark(value <= 1, value));
  }
  return html + "</tbody></table>\n";
}

// "46.8" and "39 %" of the most that there is; of what is not known, nothing.
std::array<std::string, 2> rate_cells(double rate, double most) {
  if (rate <= 0) return {};
  return {fmt::format("{:.3g}", rate),
          most > 0 ? fmt::format("{:.0f} %", 100 * rate / most) : std::string()};
}

std::string rate_table(const Sheet& sheet) {
  if (sheet.rates.empty()) return {};
  std::string html = fmt::format(
      "<h2>Against what the machine can do</h2>\n<p>Bytes and operations that a kernel needs at "
      "least, "
      "against memory copied ({:.3g} GB/s) and multiplications with additions in registers ({:.3g} "
      "G/s). Above "
      "100 % of memory: the data is in the caches.</p>\n<div "
      "class=\"wide\"><table><thead><tr><th>figure</th>"
      "<th class=\"n\">GB/s</th><th class=\"n\">of memory</th><th class=\"n\">10^9 "
      "operations/s</th>"
      "<th class=\"n\">of arithmetic</th></tr></thead><tbody>\n",
      sheet.roof.gbs, sheet.roof.gops);
  for (const auto& [name, rates] : sheet.rates) {
    html += fmt::format("<tr><td>{}</td>", breakable(name));
    for (const auto& cells :
         {rate_cells(rates.gbs, sheet.roof.gbs), rate_cells(rates.gops, sheet.roof.gops)}) {
      for (const std::string& cell : cells) html += fmt::format("<td class=\"n\">{}</td>", cell);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string rate_text(const Sheet& sheet) {
  if (sheet.rates.empty()) return {};
  std::string text = fmt::format("\n{:<48}{:>8}{:>8}{:>8}{:>8}\n", "a second: 10^9, of most",
                                 "bytes", "", "operat.", "");
  for (const auto& [name, rates] : sheet.rates) {
    text += fmt::format("{:<48}", fitting(name, 47));
    for (const auto& cells :
         {rate_cells(rates.gbs, sheet.roof.gbs), rate_cells(rates.gops, sheet.roof.gops)}) {
      for (const std::string& cell : cells) text += fmt::format("{:>8}", cell);
    }
    text += '\n';
  }
  return text;
}

std::string rest_table(const Sheet& sheet, const Bounds& bounds) {
  std::string html =
      "<h2>All other figures</h2>\n<table><thead><tr><th>figure</th><th class=\"n\">value</th>"
      "<th class=\"n\">bound</th></tr></thead><tbody>\n";
  for (const auto& [name, value] : sheet.rest) {
    html += fmt::format("<tr><td>{}</td><td class=\"n\">{:.4g}</td>{}</tr>\n", breakable(name),
                        value, bound_text(bounds, name, value));
  }
  return html + "</tbody></table>\n";
}

std::string markdown_mark(bool won, double value) {
  return won ? short_number(value) : short_number(value) + ", lost";
}

// Rows of cells as a table; the first column is names, the others are numbers. `head` with none.
std::string markdown_table(const std::vector<std::string>& head,
                           const std::vector<std::vector<std::string>>& rows) {
  const auto line = [](const std::vector<std::string>& cells) {
    return fmt::format("| {} |\n", fmt::join(cells, " | "));
  };
  std::vector<std::string> rule(head.size(), "---:");
  rule.front() = "---";
  std::string text = '\n' + line(head) + line(rule);
  for (const auto& cells : rows) text += line(cells);
  return text;
}

std::string code(const std::string& name) {
  return '`' + name + '`';
}

constexpr std::string_view kBegin = "<!-- figures: written by ./dev bench --page FILE -->\n";
constexpr std::string_view kEnd = "<!-- figures: end -->\n";

constexpr const char* kStyle =
    ":root{color-scheme:light dark}\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:24px auto;padding:0 16px;"
    "color:light-dark(#1b1b1b,#e6e6e6);background:light-dark(#fff,#161616)}\n"
    "h1{font-size:1.6em}h2{font-size:1.15em;margin:1.8em 0 .3em}p{margin:.3em 0 .8em}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\n"
    "td,th{padding:4px 8px;border-bottom:1px solid light-dark(#ddd,#3a3a3a);text-align:left}\n"
    "td:first-child{min-width:9em}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".w{font-size:.8em}\n"
    ".win{color:light-dark(#15803d,#5fd38a)}.loss{color:light-dark(#b91c1c,#ff8a8a)}\n"
    "@media print{:root{color-scheme:light}body{font-size:10pt;max-width:none;margin:0}"
    ".wide{overflow:visible}tr{break-inside:avoid}h2{break-after:avoid}}\n"
    "@media(max-width:520px){body{font-size:13px}td,th{padding:3px 4px}.w{display:none}}\n";

}  // namespace

const std::vector<PeerName>& peer_names() {
  static const std::vector<PeerName> all{
      {"handwritten", "by hand", "it is not built"},
      {"openblas", "OpenBLAS", "libopenblas0-pthread is not installed"},
      {"fftw", "FFTW", "libfftw3-single3 is not installed"},
      {"lavapipe", "lavapipe", "mesa-vulkan-drivers is not installed"},
      {"swiftshader", "SwiftShader",
       "chromium-common is not installed, or the run was a quick one, which leaves it out"},
      {"pocl", "PoCL", "pocl-opencl-icd is not installed"},
      {"ispc", "ispc",
       "ispc, a compiler, was not there when this was built: Debian 12 has no package of it"}};
  return all;
}

const std::vector<Other>& other_names() {
  static const std::vector<Other> all{{".vs_raw", "Vulkan by hand"},
                                      {".vs_malloc", "calloc and free"}};
  return all;
}

Sheet sheet_of(const nlohmann::json& figures) {
  Sheet sheet;
  for (const auto& [name, number] : figures.items()) {
    const double value = number.get<double>();
    if (name.starts_with("peer.")) continue;
    if (name == "roof.copy_gbs") sheet.roof.gbs = value;
    if (name == "roof.fma_gflops") sheet.roof.gops = value;
    if (!name.starts_with("roof.")) {
      if (const auto of = before(name, ".gbs")) {
        sheet.rates[*of].gbs = value;
        continue;
      }
      if (const auto of = before(name, ".gops")) {
        sheet.rates[*of].gops = value;
        continue;
      }
    }
    const auto found = versus(name);
    if (found && is_peer(found->peer)) {
      sheet.rows[found->row][found->peer] = value;
      ++(value >= 1 ? sheet.wins : sheet.losses);
    } else if (other_of(name)) {
      sheet.others[name] = value;
      ++(value <= 1 ? sheet.wins : sheet.losses);
    } else {
      sheet.rest[name] = value;
    }
  }
  const auto here = present(sheet);
  for (const PeerName& peer : peer_names()) {
    if (std::ranges::find(here, &peer) == here.end()) {
      sheet.absent.push_back(fmt::format("{} was not compared with: {}.", peer.title, peer.wants));
    }
  }
  return sheet;
}

std::string sheet_text(const Sheet& sheet) {
  constexpr std::size_t kWidth = 80, kColumn = 9;
  const auto peers = present(sheet);
  const std::size_t first = kWidth - kColumn * std::max<std::size_t>(1, peers.size());
  std::string text;
  if (!peers.empty()) {
    text += fmt::format("{:<{}}", "times longer the other takes", first);
    for (const PeerName* peer : peers)
      text += fmt::format("{:>{}}", std::string_view(peer->title).substr(0, kColumn - 1), kColumn);
    text += '\n';
  }
  for (const auto& [row, ratios] : sheet.rows) {
    text += fmt::format("{:<{}}", fitting(row, first - 1), first);
    for (const PeerName* peer : peers) {
      const auto found = ratios.find(peer->name);
      text +=
          fmt::format("{:>{}}", found == ratios.end() ? "" : short_number(found->second), kColumn);
    }
    text += '\n';
  }
  text += rate_text(sheet);
  for (const auto* part : {&sheet.others, &sheet.rest}) {
    if (!part->empty()) text += '\n';
    for (const auto& [name, value] : *part)
      text += fmt::format("{:<66} {:>13.4g}\n", fitting(name, 66), value);
  }
  text += fmt::format("\n{} won, {} lost\n", sheet.wins, sheet.losses);
  for (const std::string& sentence : sheet.absent) text += sentence + '\n';
  while (text.find(" \n") != std::string::npos) text.replace(text.find(" \n"), 2, "\n");
  return text;
}

std::string sheet_page(const Sheet& sheet, const Bounds& bounds) {
  std::string absent;
  for (const std::string& sentence : sheet.absent) absent += escaped(sentence) + "<br>\n";
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>SOKR: figures</title>\n<style>\n{}"
      "</style></head><body>\n<h1>Figures</h1>\n<p>{}</p>\n<p>{} won, {} "
      "lost.</p>\n{}{}{}{}{}</body></html>\n",
      kStyle, escaped(sheet.about), sheet.wins, sheet.losses,
      absent.empty() ? "" : fmt::format("<p>{}</p>\n", absent), peer_table(sheet),
      other_table(sheet), rate_table(sheet), rest_table(sheet, bounds));
}

std::string sheet_markdown(const Sheet& sheet, const Bounds& bounds) {
  std::string text =
      fmt::format("\n{}.\n\n{} won, {} lost.", sheet.about, sheet.wins, sheet.losses);
  for (const std::string& sentence : sheet.absent) text += ' ' + sentence;
  text += '\n';
  std::vector<std::vector<std::string>> rows;
  if (!sheet.rows.empty()) {
    const auto peers = present(sheet);
    std::vector<std::string> head{"times longer the other takes"};
    for (const PeerName* peer : peers) head.emplace_back(peer->title);
    for (const auto& [row, ratios] : sheet.rows) {
      rows.push_back({code(row)});
      for (const PeerName* peer : peers) {
        const auto found = ratios.find(peer->name);
        rows.back().push_back(
            found == ratios.end() ? "" : markdown_mark(found->second >= 1, found->second));
      }
    }
    text += "\n### Against others\n" + markdown_table(head, rows);
  }
  if (!sheet.others.empty()) {
    rows.clear();
    for (const auto& [name, value] : sheet.others)
      rows.push_back({code(name), markdown_mark(value <= 1, value), other_of(name)->title});
    text += "\n### Time against the same by hand\n\nBelow 1 is won.\n" +
            markdown_table({"figure", "ratio", "against"}, rows);
  }
  if (!sheet.rates.empty()) {
    rows.clear();
    for (const auto& [name, rates] : sheet.rates) {
      rows.push_back({code(name)});
      for (const auto& cells :
           {rate_cells(rates.gbs, sheet.roof.gbs), rate_cells(rates.gops, sheet.roof.gops)})
        rows.back().insert(rows.back().end(), cells.begin(), cells.end());
    }
    text +=
        fmt::format(
            "\n### Against what the machine can do\n\nMemory copied: {:.3g} GB/s; "
            "multiplications with additions in registers: {:.3g} G/s. Above 100 % of memory the "
            "data is in the caches.\n",
            sheet.roof.gbs, sheet.roof.gops) +
        markdown_table({"figure", "GB/s", "of memory", "10^9 operations/s", "of arithmetic"}, rows);
  }
  rows.clear();
  for (const auto& [name, value] : sheet.rest) {
    const auto found = bounds.find(name);
    const Limits limits = found == bounds.end() ? Limits{} : limits_of(*found);
    rows.push_back({code(name), fmt::format("{:.4g}", value),
                    limits.least  ? fmt::format("at least {:.6g}", *limits.least)
                    : limits.most ? fmt::format("at most {:.6g}", *limits.most)
                                  : ""});
  }
  return text + "\n### All other figures\n" + markdown_table({"figure", "value", "bound"}, rows) +
         '\n';
}

std::optional<std::string> with_figures(const std::string& page, const std::string& figures) {
  const std::size_t begin = page.find(kBegin), end = page.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
  return page.substr(0, begin + kBegin.size()) + figures + page.substr(end);
}

}  // namespace sokr::bench
