/* Facts before questions. See the header. */
#include "src/app/lookup.h"

#include <string.h>
#include <strings.h>

bool ry_lookup_applies(const char *model_path)
{
    return strcmp(model_path, "builtin") == 0;
}

/* A nearest fact behind the first is offered when it is this near. */
#define NEAR_SHARE 0.6

/* Whether text[len] has one of words[n] as a word; first: as its first word. */
static bool has_word(const char *text, size_t len, const char *const *words, size_t n, bool first)
{
    for (size_t i = 0; i < len; i++) {
        bool begins = i == 0 || text[i - 1] == ' ';
        for (size_t w = 0; begins && w < n; w++) {
            size_t l = strlen(words[w]);
            if (len - i >= l && strncasecmp(text + i, words[w], l) == 0 &&
                (i + l == len || strchr(" .,!?\n", text[i + l])))
                return true;
        }
        if (first)
            return false;
    }
    return false;
}

/* A story that is asked for is told, whatever fact shares its nouns. "How do I get a story?" asks for none. */
static bool asks_for_story(const char *text, size_t len)
{
    static const char *const story[] = {"story", "tale"}, *const about[] = {"about"};
    static const char *const telling[] = {"tell",    "give", "write", "make",  "read",
                                          "another", "a",    "one",   "please"};
    return has_word(text, len, story, 2, false) &&
           (has_word(text, len, about, 1, false) ||
            has_word(text, len, telling, sizeof telling / sizeof *telling, true));
}

enum ry_lookup ry_lookup(const ry_guide *guide, const char *text, size_t len,
                         struct ry_guide_hit *hit)
{
    if (ry_guide_find(guide, text, len, hit, 1) == 0)
        return RY_LOOKUP_NOTHING;
    if (asks_for_story(text, len))
        return RY_LOOKUP_NOTHING;
    if (hit->sure)
        return RY_LOOKUP_FACT;
    return hit->about ? RY_LOOKUP_UNSURE : RY_LOOKUP_NOTHING;
}

enum ry_lookup ry_lookup_text(const ry_guide *guide, const char *text, size_t len, ry_buf *out)
{
    struct ry_guide_hit hit;
    enum ry_lookup kind = ry_lookup(guide, text, len, &hit);
    if (kind == RY_LOOKUP_FACT)
        ry_buf_addf(out, "Fact: %.*s", (int)hit.answer_len, hit.answer);
    else if (kind == RY_LOOKUP_UNSURE)
        ry_buf_adds(out, "Fact: none");
    return kind;
}

size_t ry_lookup_nearest(const ry_guide *guide, const char *text, size_t len,
                         struct ry_guide_hit nearest[RY_LOOKUP_NEAREST])
{
    struct ry_guide_hit hits[RY_GUIDE_MAX_HITS];
    size_t n = ry_guide_find(guide, text, len, hits, RY_GUIDE_MAX_HITS), n_near = 0;
    for (size_t i = 0; i < n && n_near < RY_LOOKUP_NEAREST; i++)
        if (!hits[i].careful && (n_near == 0 || hits[i].score >= NEAR_SHARE * nearest[0].score))
            nearest[n_near++] = hits[i];
    return n_near;
}

static void add_nearest(const ry_guide *guide, const char *text, size_t len, ry_buf *out)
{
    struct ry_guide_hit nearest[RY_LOOKUP_NEAREST];
    size_t n = ry_lookup_nearest(guide, text, len, nearest);
    ry_buf_adds(out, "ryot's facts hold no sure answer");
    ry_buf_adds(out, n ? "; perhaps:" : "");
    for (size_t i = 0; i < n; i++)
        ry_buf_addf(out, "\n- %.*s", (int)nearest[i].answer_len, nearest[i].answer);
}

void ry_lookup_say(const ry_guide *guide, const char *text, size_t len, ry_buf *out)
{
    struct ry_guide_hit hit;
    enum ry_lookup kind = ry_lookup(guide, text, len, &hit);
    if (kind == RY_LOOKUP_FACT)
        ry_buf_addf(out, "looked up in ryot's facts: %.*s", (int)hit.id_len, hit.id);
    else if (kind == RY_LOOKUP_UNSURE)
        add_nearest(guide, text, len, out);
}

void ry_lookup_check(const ry_guide *guide, const char *text, size_t len, const char *answer,
                     size_t answer_len, ry_buf *out)
{
    struct ry_guide_hit hit;
    if (ry_lookup(guide, text, len, &hit) == RY_LOOKUP_FACT &&
        !memmem(answer, answer_len, hit.answer, hit.answer_len))
        ry_buf_addf(out, "the fact letter by letter: %.*s", (int)hit.answer_len, hit.answer);
}

void ry_lookup_answer(const ry_guide *guide, const char *text, size_t len, ry_buf *out)
{
    struct ry_guide_hit hit;
    size_t n = ry_guide_find(guide, text, len, &hit, 1);
    if (n && hit.sure)
        ry_buf_addf(out, "looked up in ryot's facts: %.*s", (int)hit.answer_len, hit.answer);
    else if (n && hit.about)
        add_nearest(guide, text, len, out);
    else
        ry_buf_adds(out, "ryot's facts hold nothing near that: F1 shows keys and commands");
}
