/* json_check KEY...: reads JSON from stdin, one value a line, and fails unless each line is a
 * whole object that has every KEY. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static char line[1 << 20];
    int n = 0, bad = 0;
    while (fgets(line, sizeof line, stdin)) {
        const char *end = NULL;
        cJSON *object = cJSON_ParseWithOpts(line, &end, 0);
        n++;
        if (!cJSON_IsObject(object) || *end != '\n') {
            fprintf(stderr, "line %d is no JSON object: %.80s\n", n, line);
            bad++;
        }
        for (int i = 1; i < argc && object; i++) {
            if (cJSON_HasObjectItem(object, argv[i]))
                continue;
            fprintf(stderr, "line %d lacks \"%s\"\n", n, argv[i]);
            bad++;
        }
        cJSON_Delete(object);
    }
    if (n == 0)
        fputs("no JSON at all\n", stderr);
    return n > 0 && bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
