// SPDX-License-Identifier: MIT OR Apache-2.0
#include "charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sokr/base/utf8.hpp>

#include "estimates.hpp"

namespace sokr::measure {
namespace {

constexpr double kWidth = 640, kHeight = 300;
constexpr double kLeft = 64, kRight = 32, kTop = 44, kBottom = 44;
constexpr std::size_t kColours = 6;
constexpr std::size_t kParts = 48;
constexpr double kCut = 99.5;  // percentile

constexpr std::string_view kStyle = R"css(
.chart{font:12px system-ui,sans-serif;--ink:#1b1f24;--soft:#5b6470;--grid:#dfe3e8;--ground:#ffffff;
--c0:#0b62c4;--c1:#c2410c;--c2:#15803d;--c3:#7e22ce;--c4:#b91c5c;--c5:#0f766e}
@media (prefers-color-scheme:dark){.chart{--ink:#e6e9ee;--soft:#9aa4b2;--grid:#2c333d;--ground:#14181e;
--c0:#6cb2ff;--c1:#ff9d5c;--c2:#5fd38a;--c3:#c79bff;--c4:#ff8ab5;--c5:#4fd1c5}}
@media print{.chart{--ink:#000;--soft:#333;--grid:#ccc;--ground:#fff;
--c0:#0b62c4;--c1:#c2410c;--c2:#15803d;--c3:#7e22ce;--c4:#b91c5c;--c5:#0f766e}}
.chart .ground{fill:var(--ground)}
.chart text{fill:var(--soft)}
.chart .title{fill:var(--ink);font-size:14px;font-weight:600}
.chart .key{fill:var(--ink)}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .note{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 3}
.chart .line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.chart .area{fill-opacity:.16;stroke-width:1.4}
.chart .mark{fill-opacity:0;stroke-opacity:0}
.chart .dot{fill-opacity:1;stroke:var(--ground)}
.chart .mark:hover{fill-opacity:1;stroke-opacity:1;stroke:var(--ink)}
.chart .s0{--c:var(--c0)}.chart .s1{--c:var(--c1)}.chart .s2{--c:var(--c2)}
.chart .s3{--c:var(--c3)}.chart .s4{--c:var(--c4)}.chart .s5{--c:var(--c5)}
.chart .line{stroke:var(--c)}.chart .area{stroke:var(--c);fill:var(--c)}
.chart .mark,.chart .dot,.chart .box{fill:var(--c)}
@media (max-width:600px){.chart{font-size:16px}.chart .title{font-size:19px}.chart .key,.chart .tick{font-size:13px}}
)css";

// A range of values and the part of the picture that shows it.
class Scale {
 public:
  Scale(const Axis& axis, double from, double to, double begin, double end)
      : log_(axis.logarithmic), begin_(begin), end_(end) {
    if (log_) {
      from = std::log10(from);
      to = std::log10(to);
    }
    if (!(to > from)) {
      const double around = from == 0 ? 1 : std::fabs(from) * 0.05;
      from -= around;
      to += around;
    }
    from_ = from;
    to_ = to;
  }
  double at(double value) const {
    const double place = ((log_ ? std::log10(value) : value) - from_) / (to_ - from_);
    return begin_ + (end_ - begin_) * std::clamp(place, 0.0, 1.0);
  }
  // Round values within, four to eight or so.
  std::vector<double> ticks() const {
    std::vector<double> all;
    if (log_) {
      const double decades = to_ - from_;
      const std::vector<double> steps = decades > 4 ? std::vector<double>{1}
                                        : decades > 1
                                            ? std::vector<double>{1, 3}
                                            : std::vector<double>{1, 1.5, 2, 3, 4, 5, 6, 8};
      for (double power = std::floor(from_); power <= to_; power += 1) {
        for (const double step : steps) {
          const double place = power + std::log10(step);
          if (place >= from_ - 1e-9 && place <= to_ + 1e-9) all.push_back(std::pow(10, place));
        }
      }
      if (all.size() >= 2) return all;
      all.clear();
      for (int i = 0; i <= 4; ++i) all.push_back(std::pow(10, from_ + (to_ - from_) * i / 4));
      return all;
    }
    const double rough = (to_ - from_) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    double step = power * 10;
    for (const double times : {1.0, 2.0, 5.0}) {
      if (rough <= power * times) {
        step = power * times;
        break;
      }
    }
    for (double value = std::ceil(from_ / step) * step; value <= to_ + step * 1e-9; value += step) {
      all.push_back(std::fabs(value) < step * 1e-9 ? 0 : value);
    }
    return all;
  }

 private:
  bool log_;
  double from_, to_, begin_, end_;
};

class Drawing {
 public:
  explicit Drawing(const Chart& chart)
      : chart_(chart),
        x_(chart.x, least(&Mark::x), most(&Mark::x), kLeft, kWidth - kRight),
        y_(chart.y, chart.y.logarithmic ? least(&Mark::y) : std::min(0.0, least(&Mark::y)),
           most(&Mark::y), kHeight - kBottom, kTop) {}

  std::string text() {
    out_ = fmt::format(
        "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
        "role=\"img\" aria-label=\"{}\">\n<rect class=\"ground\" width=\"{}\" height=\"{}\"/>\n",
        kWidth, kHeight, escaped(chart_.title), kWidth, kHeight);
    put_text(kLeft - 48, 16, "title", "start", chart_.title);
    draw_axes();
    draw_key();
    for (const Mark& note : chart_.notes) draw_note(note);
    for (const Curve& curve : chart_.curves) draw(curve);
    return out_ + "</svg>\n";
  }

 private:
  double least(double Mark::* member) const {
    double value = std::numeric_limits<double>::max();
    for (const Curve& curve : chart_.curves) {
      for (const Mark& mark : curve.marks) value = std::min(value, mark.*member);
    }
    return value == std::numeric_limits<double>::max() ? 1 : value;
  }
  double most(double Mark::* member) const {
    double value = std::numeric_limits<double>::lowest();
    for (const Curve& curve : chart_.curves) {
      for (const Mark& mark : curve.marks) value = std::max(value, mark.*member);
    }
    return value == std::numeric_limits<double>::lowest() ? 2 : value;
  }

  void put_text(double x, double y, std::string_view style, std::string_view anchor,
                std::string_view text) {
    out_ +=
        fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                    style, x, y, anchor, escaped(text));
  }
  void put_line(std::string_view style, double x1, double y1, double x2, double y2) {
    out_ += fmt::format(
        "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style, x1,
        y1, x2, y2);
  }

  static std::vector<double> ticks_of(const Axis& axis, const Scale& scale) {
    return axis.ticks.empty() ? scale.ticks() : axis.ticks;
  }

  void draw_axes() {
    double last = -1000;
    for (const double tick : ticks_of(chart_.x, x_)) {
      const double x = x_.at(tick);
      put_line("grid", x, kTop, x, kHeight - kBottom);
      if (x - last < 52) continue;  // no room for its text
      last = x;
      put_text(x, kHeight - kBottom + 16, "tick", "middle", chart_.x.format(tick));
    }
    last = kHeight + 1000;
    for (const double tick : ticks_of(chart_.y, y_)) {
      const double y = y_.at(tick);
      put_line("grid", kLeft, y, kWidth - kRight, y);
      if (last - y < 14) continue;
      last = y;
      put_text(kLeft - 6, y + 4, "tick", "end", chart_.y.format(tick));
    }
    put_text((kLeft + kWidth - kRight) / 2, kHeight - 8, "name", "middle", chart_.x.name);
  }

  // Names in the order of the curves, as far as there is room.
  void draw_key() {
    double x = kLeft;
    for (const Curve& curve : chart_.curves) {
      if (curve.marks.empty()) continue;
      const double width = 24 + 6.6 * static_cast<double>(curve.name.size());
      if (x + width > kWidth - kRight) break;
      out_ += fmt::format(
          "<rect class=\"box s{}\" x=\"{:.1f}\" y=\"26\" width=\"10\" height=\"10\" rx=\"2\"/>\n",
          curve.colour % kColours, x);
      put_text(x + 14, 35, "key", "start", curve.name);
      x += width;
    }
  }

  void draw_note(const Mark& note) {
    const double x = x_.at(note.x);
    put_line("note", x, kTop, x, kHeight - kBottom);
    const bool left = x > kWidth / 2;
    put_text(left ? x - 4 : x + 4, kTop + 12, "note-text", left ? "end" : "start", note.text);
  }

  void draw(const Curve& curve) {
    if (curve.marks.empty()) return;
    const std::string colour = fmt::format("s{}", curve.colour % kColours);
    if (curve.drawn != Drawn::kDots || curve.marks.size() > 1) {
      const bool area = curve.drawn == Drawn::kArea;
      out_ += fmt::format("<path class=\"{} {}\" d=\"{}\"/>\n", area ? "area" : "line", colour,
                          path(curve));
    }
    const bool dots = curve.drawn == Drawn::kDots;
    for (const Mark& mark : curve.marks) {
      if (mark.text.empty()) continue;
      out_ += fmt::format(
          "<circle class=\"{} {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" "
          "r=\"{}\"><title>{}</title></circle>\n",
          dots ? "dot" : "mark", colour, x_.at(mark.x), y_.at(mark.y), dots ? 3.5 : 5,
          escaped(mark.text));
    }
  }

  std::string path(const Curve& curve) const {
    std::string text;
    const bool steps = curve.drawn == Drawn::kSteps || curve.drawn == Drawn::kArea;
    const double ground = kHeight - kBottom;
    const auto add = [&](double x, double y) {
      text += fmt::format("{}{:.1f},{:.1f}", text.empty() ? "M" : "L", x, y);
    };
    if (curve.drawn == Drawn::kArea) add(x_.at(curve.marks.front().x), ground);
    double last = 0;
    for (std::size_t i = 0; i < curve.marks.size(); ++i) {
      const double x = x_.at(curve.marks[i].x), y = y_.at(curve.marks[i].y);
      if (steps && i > 0) add(x, last);
      add(x, y);
      last = y;
    }
    if (curve.drawn == Drawn::kArea) {
      add(x_.at(curve.marks.back().x), ground);
      text += 'Z';
    }
    return text;
  }

  const Chart& chart_;
  Scale x_, y_;
  std::string out_;
};

std::string percent(double part) {
  return fmt::format("{:.3g} %", 100 * part);
}

}  // namespace

std::string_view chart_style() {
  return kStyle;
}

std::string svg_text(const Chart& chart) {
  return Drawing(chart).text();
}

std::string svg_file(std::string_view title, std::span<const Chart> charts) {
  const double head = 34;
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg class=\"chart\" "
      "xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n"
      "<style>{2}</style>\n<rect class=\"ground\" width=\"{0}\" height=\"{1}\"/>\n"
      "<text class=\"title\" x=\"16\" y=\"22\">{3}</text>\n",
      kWidth, head + kHeight * static_cast<double>(charts.size()), kStyle, escaped(title));
  for (std::size_t i = 0; i < charts.size(); ++i) {
    std::string one = svg_text(charts[i]);
    one.insert(4, fmt::format(" y=\"{}\" width=\"{}\" height=\"{}\"",
                              head + kHeight * static_cast<double>(i), kWidth, kHeight));
    text += one;
  }
  return text + "</svg>\n";
}

Chart histogram(std::span<const Values> all, const Axis& x) {
  Chart chart{fmt::format("How long dispatches take, the slowest {} % left out", 100 - kCut),
              x,
              {"", false, percent},
              {},
              {}};
  double low = std::numeric_limits<double>::max(), high = 0;
  for (const Values& one : all) {
    if (one.values.empty()) continue;
    low = std::min(low, percentile(one.values, 0));
    high = std::max(high, percentile(one.values, kCut));
  }
  if (!(high > low)) high = low * 1.01;
  const auto edge = [&](std::size_t i) {
    const double part = static_cast<double>(i) / kParts;
    return x.logarithmic ? low * std::pow(high / low, part) : low + (high - low) * part;
  };
  for (std::size_t s = 0; s < all.size(); ++s) {
    Curve curve{all[s].name, s, Drawn::kArea, {}};
    if (all[s].values.empty()) continue;
    std::vector<double> sorted = all[s].values;
    std::sort(sorted.begin(), sorted.end());
    const auto count = static_cast<double>(sorted.size());
    for (std::size_t i = 0; i < kParts; ++i) {
      const auto from = std::lower_bound(sorted.begin(), sorted.end(), edge(i));
      const auto to = i + 1 == kParts ? std::upper_bound(sorted.begin(), sorted.end(), high)
                                      : std::lower_bound(sorted.begin(), sorted.end(), edge(i + 1));
      const double part = static_cast<double>(to - from) / count;
      std::string text;
      if (part > 0) {
        text = fmt::format("{}: {} take {} to {}", all[s].name, percent(part), x.format(edge(i)),
                           x.format(edge(i + 1)));
      }
      curve.marks.push_back({edge(i), part, std::move(text)});
    }
    curve.marks.push_back({high, curve.marks.back().y, ""});
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

Chart cumulative(std::span<const Values> all, const Axis& x) {
  Chart chart{"Which part takes no longer", x, {"", false, percent}, {}, {}};
  constexpr double kPercents[] = {0,  1,  2,  5,  10, 15, 20,   25, 30, 35, 40, 45,   50,   55, 60,
                                  65, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5, 99.9, 100};
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (all[s].values.empty()) continue;
    Curve curve{all[s].name, s, Drawn::kLine, {}};
    for (const double percent_of : kPercents) {
      const double value = percentile(all[s].values, percent_of);
      curve.marks.push_back(
          {value, percent_of / 100,
           fmt::format("{}: {} % take at most {}", all[s].name, percent_of, x.format(value))});
    }
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character one = first_character(text);
    switch (one.code) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Of what is UTF-8, XML has no controls, and neither U+FFFE nor U+FFFF.
        if (!one.is_valid || one.code == 0xFFFE || one.code == 0xFFFF) {
          out += kReplacement;
        } else if (one.code < 0x20 && one.code != '\n') {
          out += ' ';
        } else {
          out += text.substr(0, one.bytes);
        }
    }
    text.remove_prefix(one.bytes);
  }
  return out;
}

}  // namespace sokr::measure
