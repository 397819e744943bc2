/* Facts before questions. See the header. */
#include "src/app/lookup.h"

#include <string.h>
#include <strings.h>

/* A question that shares this much with a fact is about ryot, though perhaps not about this fact. Below it are small
 * talk, stories and the world: see the figures in engine/builtin/README.md. */
#define ABOUT_EVIDENCE 4.0

bool ry_lookup_applies(const char *model_path)
{
    return strcmp(model_path, "builtin") == 0;
}

/* A story that is asked for is told, whatever fact shares its nouns. */
static bool asks_for_story(const char *text, size_t len)
{
    static const char *const words[] = {"story", "tale"};
    for (size_t i = 0; i < len; i++)
        for (size_t w = 0; w < 2; w++) {
            size_t n = strlen(words[w]);
            bool begins = i == 0 || text[i - 1] == ' ';
            if (begins && len - i >= n && strncasecmp(text + i, words[w], n) == 0 &&
                (i + n == len || strchr(" .,!?", text[i + n])))
                return true;
        }
    return false;
}

enum ry_lookup ry_lookup(const ry_guide *guide, const char *text, size_t len,
                         struct ry_guide_hit *hit)
{
    if (ry_guide_find(guide, text, len, hit, 1) == 0)
        return RY_LOOKUP_NOTHING;
    if (asks_for_story(text, len) && !(hit->id_len == 5 && memcmp(hit->id, "story", 5) == 0))
        return RY_LOOKUP_NOTHING;
    if (hit->sure)
        return RY_LOOKUP_FACT;
    return hit->evidence >= ABOUT_EVIDENCE ? RY_LOOKUP_UNSURE : RY_LOOKUP_NOTHING;
}

enum ry_lookup ry_lookup_text(const ry_guide *guide, const char *text, size_t len,
                              struct ry_guide_hit *hit, ry_buf *out)
{
    enum ry_lookup kind = ry_lookup(guide, text, len, hit);
    if (kind == RY_LOOKUP_FACT)
        ry_buf_addf(out, "Fact: %.*s", (int)hit->answer_len, hit->answer);
    else if (kind == RY_LOOKUP_UNSURE)
        ry_buf_adds(out, "Fact: none");
    return kind;
}
