/* Figures as text. */
#include "ryot_test.h"

#include <math.h>

#include "ui/plot.h"

static ry_buf out;

static void is(const char *want)
{
    ck_assert_str_eq(ry_buf_str(&out), want);
    ry_buf_done(&out);
}

START_TEST(sparklines)
{
    const float v[] = {0, 1, 2, 4, 8};
    ry_plot_spark(&out, v, 5, 10, 0, false);
    is("▁▂▃▅█");
    ry_plot_spark(&out, v, 5, 10, 16, false);
    is("▁▁▂▃▅");
    ry_plot_spark(&out, v, 5, 10, 0, true);
    is("_.-=#");
    const float many[] = {0, 0, 4, 4, 8, 8};
    ry_plot_spark(&out, many, 6, 3, 0, false);
    is("▁▅█");
    const float odd[] = {NAN, -1, INFINITY, 1};
    ry_plot_spark(&out, odd, 4, 4, 0, false);
    is("▁▁▁█");
    ry_plot_spark(&out, v, 5, 0, 0, false);
    ry_plot_spark(&out, v, 0, 5, 0, false);
    is("");
}
END_TEST

START_TEST(bars_to_an_eighth)
{
    ry_plot_bar(&out, 0.5, 4, false, false);
    is("██");
    ry_plot_bar(&out, 0.5, 4, true, false);
    is("██░░");
    for (int i = 0; i < 8; i++) {
        static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
        ry_plot_bar(&out, i / 8.0, 1, false, false);
        is(eighths[i]);
    }
    ry_plot_bar(&out, 2, 3, true, false);
    is("███");
    ry_plot_bar(&out, NAN, 3, true, true);
    is("...");
    ry_plot_bar(&out, 0.5, 4, true, true);
    is("##..");
    ry_plot_bar(&out, 0.5, -1, true, true);
    is("");
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        uint64_t n;
        const char *count, *bytes;
    } rows[] = {
        {0, "0", "0 B"},
        {812, "812", "812 B"},
        {1204, "1,204", "1.18 KB"},
        {1000000, "1,000,000", "977 KB"},
        {104857600, "104,857,600", "100 MB"},
        {UINT64_MAX, "18,446,744,073,709,551,615", "16.0 EB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ry_plot_count(&out, rows[i].n);
        is(rows[i].count);
        ry_plot_bytes(&out, rows[i].n);
        is(rows[i].bytes);
    }
    static const struct {
        double v;
        const char *figure, *ms;
    } figures[] = {
        {0, "0.00", "0.00 ms"},        {0.42, "0.42", "420 us"},    {48.24, "48.2", "48.2 ms"},
        {231, "231", "231 ms"},        {1240.4, "1,240", "1.24 s"}, {9.996, "10.0", "10.0 ms"},
        {99.96, "100", "100 ms"},      {999.7, "1,000", "1.00 s"},  {-1, "0.00", "0.00 ms"},
        {INFINITY, "0.00", "0.00 ms"}, {0.0004, "0.00", "0.40 us"},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        ry_plot_figure(&out, figures[i].v);
        is(figures[i].figure);
        ry_plot_ms(&out, figures[i].v);
        is(figures[i].ms);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("plot");
    TCase *t = tcase_create("plot");
    tcase_add_test(t, sparklines);
    tcase_add_test(t, bars_to_an_eighth);
    tcase_add_test(t, numbers);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
