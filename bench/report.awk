# JSON lines of `ryot bench` and bench_kern in, a Markdown table out. -v table=decode|threads|depth|kernels|machine
# The lines are flat objects, so that a key is found by its name in quotes.
function get(key,    at, rest) {
    at = index($0, "\"" key "\":")
    if (!at)
        return ""
    rest = substr($0, at + length(key) + 3)
    sub(/^ */, "", rest)
    if (substr(rest, 1, 1) == "\"") {
        rest = substr(rest, 2)
        return substr(rest, 1, index(rest, "\"") - 1)
    }
    sub(/[,}].*/, "", rest)
    return rest == "null" ? "" : rest
}
# A number in a format, times a factor; nothing stays nothing.
function num(key, fmt, factor,    v) {
    v = get(key)
    return v == "" ? "" : sprintf(fmt, v * factor)
}
function rate(key,    v) {
    v = get(key)
    return v == "" ? "" : sprintf(v + 0 < 1000 ? "%.1f" : "%.0f", v)
}
function head(text, n,    i, line) {
    print "| " text " |"
    line = "|---"
    for (i = 1; i < n; i++)
        line = line "|--:"
    print line "|"
}
function weights_gb_s(    b) {
    b = get("weight_bytes_per_token")
    return b == "" ? "" : sprintf("%.1f", b * get("rate_tok_s_median") / 1e9)
}
BEGIN {
    if (table == "decode")
        head("model | head | kernel | threads | test | tok/s | ± | TTFT ms | p50 ms | p95 ms | p99 ms | GMAC/s | weights GB/s | of read", 14)
    if (table == "threads")
        head("model | kernel | test | threads | tok/s | ± | speed-up | efficiency | of read", 9)
    if (table == "depth")
        head("model | attention | kv | threads | test | tok/s | ± | p50 ms | KV MB a token", 9)
    if (table == "kernels")
        head("tier | kernel | memory GB/s | of read | cache GB/s | products GMAC/s", 6)
}
table == "decode" {
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", get("model"), get("head"), get("kernel"),
        get("threads"), get("test"), rate("rate_tok_s_median"), rate("rate_tok_s_stdev"), rate("ttft_ms"),
        num("token_ms_p50", "%.2f", 1), num("token_ms_p95", "%.2f", 1), num("token_ms_p99", "%.2f", 1),
        num("gmac_s", "%.0f", 1), weights_gb_s(), num("share_of_bandwidth", "%.0f %%", 100)
}
table == "threads" {
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", get("model"), get("kernel"), get("test"), get("threads"),
        rate("rate_tok_s_median"), rate("rate_tok_s_stdev"), num("speed_up", "%.2f", 1),
        num("efficiency", "%.0f %%", 100), num("share_of_bandwidth", "%.0f %%", 100)
}
table == "depth" {
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", get("model"), get("attention"), get("kv"), get("threads"),
        get("test"), rate("rate_tok_s_median"), rate("rate_tok_s_stdev"), num("token_ms_p50", "%.2f", 1),
        num("kv_bytes_per_token", "%.1f", 1e-6)
}
# Three lines of a kernel become one row; they come one behind the other.
table == "kernels" && get("case") != "" {
    if (get("case") == "memory") {
        gb_s = num("gb_s", "%.1f", 1)
        share = num("share_of_bandwidth", "%.0f %%", 100)
    }
    if (get("case") == "cache")
        cached = num("gb_s", "%.1f", 1)
    if (get("case") == "tokens")
        printf "| %s | %s | %s | %s | %s | %s |\n", get("tier"), get("kernel"), gb_s, share, cached,
            num("gmac_s", "%.0f", 1)
}
# What is the same in all rows, and the bandwidths that were measured beside them.
table == "machine" {
    cpu = get("cpu")
    commit = get("commit")
    version = get("version")
    n_threads = get("threads") + 0
    b = get("read_bandwidth_gb_s") + 0
    if (b > best[n_threads])
        best[n_threads] = b
}
END {
    if (table == "machine") {
        printf "%s, ryot %s (%s).\nRead bandwidth measured in the same runs (best):", cpu, version, commit
        for (n = 1; n <= 64; n++)
            if (best[n] > 0)
                printf "%s %.1f GB/s with %d thread%s", (seen++ ? "," : ""), best[n], n, (n > 1 ? "s" : "")
        print "."
    }
}
