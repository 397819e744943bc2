/* The sanitiser on any bytes, cut anywhere: what comes out is well-formed, harmless, the same for
 * every cut, and a fixed point. */
#include "fuzz_ui.h"

#include <stdbool.h>

#include "src/base/sanitize.h"

static bool is_harmless(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        int32_t cp;
        i += ry_utf8_decode(s + i, len - i, &cp);
        bool control = (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7F && cp < 0xA0);
        bool direction = (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) ||
                         cp == 0x200E || cp == 0x200F || cp == 0x061C;
        bool hidden = cp == 0x200B || cp == 0x2060 || cp == 0xFEFF || cp == 0xAD ||
                      (cp >= 0xE0000 && cp <= 0xE007F);
        if (control || direction || hidden)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    ry_buf whole = {0}, parts = {0}, again = {0};
    struct ry_sanitize san = {0};
    char fixed[40];
    FUZZ_ASSERT(ry_sanitize_text(s, size, &whole));
    FUZZ_ASSERT(ry_utf8_valid(ry_buf_str(&whole), whole.len, NULL));
    FUZZ_ASSERT(is_harmless(ry_buf_str(&whole), whole.len));
    size_t cut = size ? data[0] % (size + 1) : 0;
    ry_sanitize_push(&san, s, cut, &parts);
    for (size_t i = cut; i < size; i++)
        ry_sanitize_push(&san, s + i, 1, &parts);
    ry_sanitize_flush(&san, &parts);
    FUZZ_ASSERT(parts.len == whole.len &&
                memcmp(ry_buf_str(&parts), ry_buf_str(&whole), whole.len) == 0);
    FUZZ_ASSERT(ry_sanitize_text(ry_buf_str(&whole), whole.len, &again));
    FUZZ_ASSERT(again.len == whole.len &&
                memcmp(ry_buf_str(&again), ry_buf_str(&whole), whole.len) == 0);
    size_t n = ry_sanitize_fixed(s, size, fixed, sizeof fixed);
    FUZZ_ASSERT(n < sizeof fixed && fixed[n] == '\0' && ry_utf8_valid(fixed, n, NULL));
    FUZZ_ASSERT(is_harmless(fixed, n) && !memchr(fixed, '\n', n));
    ry_buf_done(&whole);
    ry_buf_done(&parts);
    ry_buf_done(&again);
    return 0;
}

static const char *const seeds[] = {
    "plain\r\ntext\rwith\bcontrols\x7F\x1B[31m\x1B]0;t\x07",
    "\x9B\x80\x9F\xC2\x9B\xC2\x85\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80\xFF\xFE",
    "\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x8E\xD8\x9C\xE2\x80\x8B\xE2\x81\xA0\xEF\xBB\xBF\xC2\xAD",
    "\xF3\xA0\x80\x81\xF3\xA0\x81\xBF\xF3\xA0\x84\x80\xEF\xB8\x80",
    ("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D"
     "\xF0\x9F\x94\xA5"),
    "1\xEF\xB8\x8F\xE2\x83\xA3\xF0\x9F\x91\x8B\xF0\x9F\x8F\xBD\xF0\x9F\x87\xAF\xF0\x9F\x87\xB5",
    "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xE2\x80\x8C",
    "\xE4\xB8\xAD\xE6\x96\x87\xE0\xA4\xA8\xE0\xA5\x80\xD9\x85\xE2\x80\x8C\xD8\xAE",
};
FUZZ_MAIN(seeds);
