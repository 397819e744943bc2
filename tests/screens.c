/* Literal screens. */
#include "ryot_test.h"

#include "screen_rig.h"

static void show(const char *name, struct rig *rig)
{
    int r, c;
    rig_cursor(rig, &r, &c);
    printf("=== %s cursor %d,%d\n%s", name, r, c, rig_text(rig));
}

int main(void)
{
    struct rig *rig = rig_open(&(struct rig_options){.rows = 24, .cols = 80, .scene = RIG_CHAT});
    struct rig_answer a;
    show("chat80", rig);
    rig_keys(rig, "\033OP");
    show("help", rig);
    rig_keys(rig, "\033OP");
    rig_keys(rig, "\033OQ");
    show("perf80", rig);
    rig_keys(rig, "\033OR");
    rig_keys(rig, "\033OS");
    rig_resize(rig, 40, 140);
    show("wide140", rig);
    rig_resize(rig, 9, 39);
    show("tiny39", rig);
    rig_resize(rig, 5, 20);
    show("tiny20", rig);
    rig_resize(rig, 1, 1);
    show("1x1", rig);
    rig_resize(rig, 24, 80);
    rig_keys(rig, "\033OQ");
    rig_keys(rig, "\033OR");
    rig_keys(rig, "\033OS");
    rig_keys(rig, "and if it rains?");
    show("draft", rig);
    a = rig_keys(rig, "\r");
    printf("kind %d text %s\n", a.kind, a.text);
    rig_scene(rig, RIG_UNICODE);
    show("unicode", rig);
    rig_scene(rig, RIG_HOSTILE);
    show("hostile", rig);
    rig_scene(rig, RIG_LONG);
    show("long", rig);
    rig_keys(rig, "\033[5~");
    show("pgup", rig);
    rig_grow(rig, " grows\n\nand grows");
    show("grown", rig);
    rig_scene(rig, RIG_EMPTY);
    show("empty", rig);
    rig_close(rig, &a);
    printf("exit %d\n", a.exit_code);
    return 0;
}
