/* Writing JSON into a buffer. */
#include "src/app/json.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "src/base/utf8.h"

void ry_json_string(ry_buf *out, const char *s, size_t len)
{
    ry_buf_addc(out, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)s[i];
        int32_t cp;
        size_t n = ry_utf8_decode(s + i, len - i, &cp);
        if (cp < 0)
            ry_buf_adds(out, "\xEF\xBF\xBD");
        else if (c == '"' || c == '\\')
            ry_buf_addf(out, "\\%c", c);
        else if (c == '\n')
            ry_buf_adds(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            ry_buf_addf(out, "\\u%04x", c);
        else
            ry_buf_add(out, s + i, n);
        i += n;
    }
    ry_buf_addc(out, '"');
}

void ry_json_field(ry_buf *out, const char *key, const char *s)
{
    ry_buf_addf(out, "\"%s\": ", key);
    if (s)
        ry_json_string(out, s, strlen(s));
    else
        ry_buf_adds(out, "null");
}

void ry_json_number(ry_buf *out, const char *key, double x)
{
    if (isfinite(x))
        ry_buf_addf(out, "\"%s\": %.6g", key, x);
    else
        ry_buf_addf(out, "\"%s\": null", key);
}
