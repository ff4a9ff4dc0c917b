// SPDX-License-Identifier: MIT OR Apache-2.0
// Days to dates, and the day of the week.
void run() {
  int z = int(A[index] % 2000000u) - 700000 + 719468;
  int era = (z >= 0 ? z : z - 146096) / 146097;
  int day = z - era * 146097;
  int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  int of_year = day - (365 * year + year / 4 - year / 100);
  int part = (5 * of_year + 2) / 153;
  int date = of_year - (153 * part + 2) / 5 + 1, month = part < 10 ? part + 3 : part - 9;
  int weekday = (z % 7 + 7 + 3) % 7;
  R[index] = uint((year + era * 400 + (month <= 2 ? 1 : 0) + 10000) * 10000 + month * 600 +
                  date * 10 + weekday);
}
