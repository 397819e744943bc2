"""Questions with a fact before them: the network learns to answer with the fact, letter by
letter.

ryot looks the fact up (src/app/guide.c) and puts it before the question as a system message,
`Fact: ...`, or `Fact: none` where it is not sure. So that copying is learnt and not the facts,
most facts here are made up: true ones with other keys, commands and numbers, sentences of the
corpus, and random words, many of them words that nobody has met.
"""
import re

import words

KNOWN, UNSURE = "Fact: %s", "Fact: none"
UNSURE_ANSWERS = [
    "I do not know that. Press F1 for help.",
    "I am not sure about that. Press F1 for help.",
    "I have no answer to that. Press F1 for help.",
    "I do not know. F1 opens the help.",
]
KEYS = (
    ["^" + c for c in "ABCDEFGHIJKLNOPQRSTUVWXYZ_"]
    + ["F%d" % n for n in range(1, 13)]
    + ["Alt-" + c for c in "BDFEUPNZ"]
    + [
        "Alt-Enter",
        "Alt-End",
        "Shift-Tab",
        "Enter",
        "Tab",
        "Esc",
        "PgUp",
        "PgDn",
        "Home",
        "End",
        "Up",
        "Down",
        "Delete",
        "Backspace",
    ]
)
NAMES = """
model kernel threads context sampler temp top-k top-p min-p seed system session sessions title
color theme mode output input log cache memory limit budget profile trace time speed size width
height layout panel view help quit clear load save open edit undo redo copy fork rename delete
list show find search next back stop start retry regenerate reset set get check bench info
doctor tokens logits run chat resume verify recover json csv plain quiet verbose force dry-run
no-color kv prefetch repack huge-pages pin affinity batch prompt file format schema grammar
stats export import compare draft queue sort filter group mark tag note pause continue split
join merge zoom scroll follow wrap fold filter history mouse bell unicode
""".split()
VERBS = """
open,opens show,shows hide,hides close,closes start,starts stop,stops save,saves copy,copies
delete,deletes rename,renames find,finds list,lists print,prints load,loads change,changes
set,sets reset,resets switch,switches measure,measures compare,compares check,checks
repeat,repeats undo,undoes edit,edits move,moves clear,clears sort,sorts mark,marks split,splits
fold,folds resume,resumes pause,pauses limit,limits count,counts draw,draws explain,explains
keep,keeps write,writes read,reads remove,removes add,adds paste,pastes insert,inserts
select,selects restore,restores export,exports import,imports verify,verifies
""".split()
THINGS = """
answer message question draft line word session chat transcript title model file kernel thread
panel screen window cursor history prompt context cache memory table list report picture plot
graph colour theme sampler temperature seed limit menu folder weights embedding vocabulary
tokenizer
""".split() + [
    "system message",
    "number of threads",
    "number of tokens",
    "last answer",
    "next word",
    "whole screen",
    "oldest session",
    "first line",
    "bench figures",
    "speed of decoding",
    "speed of prefill",
    "command line",
    "config file",
    "log file",
    "list of keys",
    "attention map",
    "layer view",
    "memory map",
    "token table",
    "help page",
    "status line",
    "input box",
    "disk space",
]
PLACES = [
    "~/.config/ryot/config.ini",
    "~/.local/share/ryot",
    "$XDG_DATA_HOME",
    "$EDITOR",
    "$VISUAL",
    "$HOME/models",
    "/tmp",
    "/usr/share/ryot",
    "~/models",
    "chat.md",
    "model.gguf",
    "notes.txt",
    "$NO_COLOR",
    "$TERM",
]
MADE = [
    "Press {key}: it {does} the {thing}.",
    "Press {key} to {do} the {thing}.",
    "{key} {does} the {thing}.",
    "{key} {does} the {thing}; {key2} {does2} the {thing2}.",
    "Type {cmd} to {do} the {thing}.",
    "Press {key} or type {cmd}: it {does} the {thing}.",
    "Press {key} on an empty line or type {cmd}: it {does} the {thing}.",
    "{cmd} {ARG} {does} the {thing}.",
    "Type {cmd} {ARG}; {cmd2} {does2} the {thing2}.",
    "{opt} {ARG} sets the {thing}; the default is {n}.",
    "Start ryot with {opt} {ARG}, or type {cmd} {ARG} in the chat.",
    "Give {opt} to {do} the {thing}.",
    "ryot {sub} {opt} {does} the {thing}.",
    "ryot {sub} {ARG} {does} the {thing}.",
    "Run ryot {sub}: it {does} the {thing}.",
    "Set {opt} {n} to {do} the {thing}; {n2} is the default.",
    "The {thing} is kept in {place}.",
    "It is written in {place}; {opt} {ARG} names another place.",
    "No: ryot never {does} the {thing}.",
    "Yes: {key} {does} the {thing}, and {cmd} {does2} the {thing2}.",
    "There is no {thing} yet; {cmd} {does} the {thing2}.",
    "The {thing} has {n} {thing2}s and takes {n2} MB.",
    "A {thing} is what {does} the {thing2}; {key} shows it.",
    "Only {n} of {n2}: the {thing} {does} the {thing2}.",
    "While no answer is being written, {key} {does} the {thing}, and {key2} brings it back.",
    "{key} goes to the start of the {thing} and {key2} to its end.",
    'Add "{name} = {n}" to {place}.',
    "ryot {sub} {ARG} > {place} writes the {thing} as {name2}.",
    "With {opt} {n} ryot {does} the {thing} {n2} times.",
]
LISTS = [
    "{joined}.",
    "ryot knows {joined}.",
    "{a} takes {joined}; the default is {n}.",
    "There is ryot {a} --help and ryot {b} --help; ryot {c} --help is shorter.",
    "Type /{a} TEXT (or start with --{a} TEXT); /{a} - clears it.",
    "/{a} N sets it, /{a} alone shows it, and /{a} - goes back to {n}.",
    "The {a} is $XDG_{o}_HOME/ryot/{a}.log, usually ~/.{o}/ryot/{a}.log; --{a} FILE changes it.",
    "ryot {a} FILE, ryot {b} FILE and ryot {c} FILE; version {n} and {m}, not {m} and {n}.",
    "^{n} {a}, ^{m} {b}, and --{o} for the {a} of the {b}.",
]
ASKED = [
    "how do I {do} the {thing}?",
    "how can I {do} the {thing}?",
    "how to {do} the {thing}",
    "{do} {thing}",
    "what {does} the {thing}?",
    "can I {do} the {thing}?",
    "which key {does} the {thing}?",
    "is there a way to {do} the {thing}?",
    "I want to {do} the {thing}",
    "where is the {thing}?",
    "what is the {thing}?",
    "{thing}?",
    "what does {cmd} do?",
    "what is {opt} for?",
    "why does it {do} the {thing}?",
    "my {thing} is gone, what now?",
    "the {thing} does not work",
    "tell me about the {thing}",
    "{thing} {thing2}",
    "which command {does} the {thing}?",
    "is it possible to {do} my {thing}?",
    "help, I cannot {do} the {thing}",
]
OF_WORDING = [
    "{}",
    "{}?",
    "how do I {}?",
    "how can I {}?",
    "how to {}",
    "what about {}?",
    "tell me about {}",
    "I want to {}",
    "can I {}?",
    "what is {}?",
    "is there a way to {}?",
    "ryot {}",
    "help with {}",
]
OF_SENTENCE = [
    "what about the {}?",
    "tell me about the {}",
    "what do you know about {}?",
    "{}?",
    "{}",
    "{} {}",
    "what happened to the {}?",
    "who is {}?",
    "why {} and {}?",
    "where is the {}?",
    "and the {}?",
]
# What a changed fact has otherwise: what is found, the sign before it, what it becomes (or a name).
BLANKS = [
    (r"\^[A-Z_]\b", "", KEYS),
    (r"\bF\d{1,2}\b", "", KEYS),
    (r"(?<![\w/])/[a-z-]+", "/", None),
    (r"(?<![\w-])--[a-z-]+", "--", None),
]


def read_facts(path):
    """[(wordings, answer)] of facts.txt: `@ id`, lines of `~ wording; wording`, `= answer`."""
    facts, wordings = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            mark, body = line[:2].strip(), line[2:].strip()
            if mark == "@":
                wordings = []
            elif mark == "~":
                wordings += [w.strip() for w in body.split(";") if w.strip()]
            elif mark == "=":
                facts.append((wordings or ["this"], body))
    return facts


class FactWriter:
    def __init__(self, path, sentences, random):
        self.facts, self.sentences, self.random = read_facts(path), sentences, random

    def question(self, wording):
        """A wording of facts.txt as somebody types it."""
        r = self.random
        if wording.endswith("?") or re.match(
            r"(how|what|which|where|why|can|is|does|do|i|my|the)\b", wording
        ):
            return wording
        if "," in wording and r.random() < 0.8:
            wording = r.choice([w.strip() for w in wording.split(",") if w.strip()] or [wording])
        return r.choice(OF_WORDING).format(wording)

    def true(self):
        wordings, answer = self.random.choice(self.facts)
        return self.question(self.random.choice(wordings)), answer

    def changed(self):
        """A true fact with other keys, commands, options and numbers."""
        r = self.random
        question, answer = self.true()
        for pattern, mark, others in BLANKS:
            answer = re.sub(pattern, lambda m: mark + (r.choice(others or [self.name()])), answer)
        answer = re.sub(
            r"\d+",
            lambda m: "%d" % r.choice([r.randrange(10), r.randrange(100), r.randrange(5000)]),
            answer,
        )
        return question, self.estranged(answer, 0.6)

    def name(self):
        """A command's, option's or file's name: a usual one, or one that nobody has met."""
        r = self.random
        roll = r.random()
        if roll < 0.45:
            return r.choice(NAMES)
        if roll < 0.7:
            return words.invented(r)
        if roll < 0.85:
            return r.choice(NAMES) + "-" + r.choice([r.choice(NAMES), words.invented(r)])
        letters = "".join(r.choice("abcdefghijklmnoprstuvwxyz") for _ in range(r.randrange(1, 6)))
        return letters + r.choice(["", "%d" % r.randrange(600), "-" + words.invented(r)])

    def estranged(self, text, share):
        """A share of the texts with some words that nobody has met in place of their own."""
        r = self.random
        if r.random() > share:
            return text
        return re.sub(
            r"(?<![\w/$~.{-])[a-z]{3,}(?![\w/}-])",
            lambda m: words.invented(r) if r.random() < 0.2 else m.group(0),
            text,
        )

    def thing(self):
        r = self.random
        roll = r.random()
        if roll < 0.7:
            return r.choice(THINGS)
        return words.invented(r) if roll < 0.85 else r.choice(words.SPELT)

    def made(self):
        r = self.random
        (do, does), (_, does2) = [r.choice(VERBS).split(",") for _ in range(2)]
        values = {
            "key": r.choice(KEYS),
            "key2": r.choice(KEYS),
            "do": do,
            "does": does,
            "does2": does2,
            "cmd": "/" + self.name(),
            "cmd2": "/" + self.name(),
            "thing": self.thing(),
            "thing2": self.thing(),
            "name": self.name(),
            "name2": self.name(),
            "sub": self.name(),
            "place": r.choice(PLACES),
            "ARG": r.choice(
                [
                    "N",
                    "FILE",
                    "ID",
                    "NAME",
                    "on",
                    "off",
                    "TEXT",
                    "auto",
                    "DIR",
                    "X",
                    "MODEL",
                    "WORDS",
                    "LINE",
                    "NAME=VALUE",
                ]
            ),
            "opt": r.choice(
                [
                    "--" + self.name(),
                    "--" + self.name(),
                    "-" + r.choice("abcdfhijklmnopqstvxy"),
                ]
            ),
            "n": r.choice(
                [
                    "%d" % r.randrange(20),
                    "%d" % (2 ** r.randrange(12)),
                    "0.%d" % r.randrange(1, 100),
                ]
            ),
            "n2": "%d" % r.randrange(2000),
        }
        answer = r.choice(MADE).format(**values)
        if r.random() < 0.3:
            answer += " " + r.choice(MADE).format(
                **dict(values, key=r.choice(KEYS), cmd="/" + self.name())
            )
        return r.choice(ASKED).format(**values), answer

    def told(self):
        """A sentence of the corpus as the fact."""
        r = self.random
        answer = self.estranged(r.choice(self.sentences), 0.5)
        about = [w for w in re.findall(r"[a-z]{4,}", answer)] or ["that"]
        form = r.choice(OF_SENTENCE)
        return form.format(*[r.choice(about) for _ in range(form.count("{}"))]), answer

    def listed(self):
        """Enumerations whose parts begin or end alike: what copying confuses most."""
        r = self.random
        name, option, n = self.name(), self.name(), r.randrange(2, 9)
        stem = r.choice(["Q", "TQ", "IQ", "F", "v", "BF", name, name.upper(), "--" + option + "-"])
        parts = {
            "%s%d%s" % (stem, r.randrange(40), r.choice(["", "_K", "_0", "_1", "_NL"])): 0
            for _ in range(n)
        }
        stems = [r.choice(NAMES).capitalize() for _ in range(r.randrange(1, 5))]
        parts = list(parts) + ["%s %d" % (x, r.randrange(1, 6)) for x in stems]
        end = r.choice([" and ", " or ", ", and the "])
        joined = ", ".join(parts[:-1]) + end + parts[-1]
        form = r.choice(LISTS).format(
            joined=joined, a=name, b=self.name(), c=self.name(), o=option, n=n, m=n + 1
        )
        return r.choice(["which {} are there?", "{}?", "does it have {}?", "{}"]).format(name), form

    def jumbled(self):
        """Random words, names and signs: nothing but copying helps."""
        r = self.random
        pool = [
            lambda: self.name(),
            lambda: words.invented(r),
            lambda: r.choice(KEYS),
            lambda: "--" + self.name(),
            lambda: "%d" % r.randrange(10 ** r.randrange(1, 5)),
            lambda: self.thing(),
            lambda: "/" + self.name(),
            lambda: r.choice(self.sentences).split()[0],
            lambda: "".join(
                r.choice("abcdefghijklmnoprstuvwxyz") for _ in range(r.randrange(2, 7))
            ),
        ]
        said = [r.choice(pool)() for _ in range(r.randrange(3, 16))]
        return (
            r.choice(ASKED[:8]).format(
                do="use", does="uses", thing=said[0], cmd="", opt="", thing2=said[-1]
            ),
            " ".join(said) + ".",
        )

    def turns(self):
        """[system, user, assistant] of one question."""
        r = self.random
        kind = r.choices(
            [self.true, self.changed, self.made, self.told, self.jumbled, self.listed],
            [4, 4, 3, 2, 1.5, 1.5],
        )[0]
        question, answer = kind()
        asked = ("user", self.typed(question))
        if r.random() < 0.12:
            return [("system", UNSURE), asked, ("assistant", r.choice(UNSURE_ANSWERS))]
        if kind in (self.true, self.changed, self.made) and r.random() < 0.15:
            return [asked, ("assistant", r.choice(UNSURE_ANSWERS))]
        return [("system", KNOWN % answer), asked, ("assistant", answer)]

    def any_fact(self):
        """A fact about anything, as a system message."""
        return KNOWN % self.random.choice([self.true, self.changed, self.made])()[1]

    def typed(self, question):
        """A question as it is typed: with capitals or without, a mark, a slip now and then."""
        r = self.random
        roll = r.random()
        if roll < 0.35 and question[0].isalpha():
            question = question[0].upper() + question[1:]
        elif roll < 0.6:
            question = question.lower().rstrip("?.")
        return slip(question, r) if r.random() < 0.12 else question


def slip(text, random):
    """One letter of a longer word dropped, doubled or swapped with the next."""
    long = list(re.finditer(r"[A-Za-z]{4,}", text))
    if not long:
        return text
    found = random.choice(long)
    word, i = found.group(0), random.randrange(1, len(found.group(0)) - 1)
    word = random.choice(
        [
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        ]
    )
    return text[: found.start()] + word + text[found.end() :]
