// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Charts as SVG, in colours that CSS variables name (chart_style), so that they fit a light and a
// dark page. Every mark has its values as a <title>, which browsers show when it is pointed at.
#ifndef SOKR_MEASURE_CHARTS_HPP_
#define SOKR_MEASURE_CHARTS_HPP_

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::measure {

struct Mark {
  double x = 0, y = 0;
  std::string text;  // when it is pointed at
};

enum class Drawn { kLine, kSteps, kArea, kDots };

struct Curve {
  std::string name;
  std::size_t colour = 0;  // number of the series, the same in all charts of a page
  Drawn drawn = Drawn::kLine;
  std::vector<Mark> marks;  // by x
};

struct Axis {
  std::string name;
  bool logarithmic = false;  // all values are above 0
  std::function<std::string(double)> format;
  std::vector<double> ticks;  // empty: round numbers
};

struct Chart {
  std::string title;
  Axis x, y;
  std::vector<Curve> curves;
  std::vector<Mark> notes;  // vertical lines at x, with their text
};

// An <svg> element with a viewBox and no size of its own. Empty curves are left out.
std::string svg_text(const Chart& chart);
// What its classes look like: rules for a <style> element.
std::string_view chart_style();
// Several below one another, as a file of its own.
std::string svg_file(std::string_view title, std::span<const Chart> charts);

// Of the values of each series: how many fall into each of some equal parts of their range, which
// is cut at the 99.5th percentile; and the part that is no longer than each.
struct Values {
  std::string name;
  std::vector<double> values;  // above 0
};
Chart histogram(std::span<const Values> all, const Axis& x);
Chart cumulative(std::span<const Values> all, const Axis& x);

// Markup as text: & < > " are written so that they mean themselves.
std::string escaped(std::string_view text);

}  // namespace sokr::measure

#endif  // SOKR_MEASURE_CHARTS_HPP_
