"""The texts of the corpus: reading, cleaning, and which documents are held out."""
import json
import os
import random
import re

PLAIN = str.maketrans(
    {
        "\u2019": "'",
        "\u2018": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2014": "-",
        "\u2013": "-",
        "\u2026": "...",
        "\u00a0": " ",
        "\t": " ",
    }
)
UNFIT = re.compile(
    r"\b(sex|porn|rape|fuck|shit|bitch|nigg|cunt|whore|slut|suicide|kill|murder|drug|cocaine|"
    r"nazi|hitler|trump|ass|damn|hell|gun)\w*\b",
    re.I,
)
FILES = {
    "tinystories": ["stories_tinystories_cased.txt"],
    "tinystories_recased": ["stories_tinystories_recased.txt"],
    "picture_books": ["stories_pratham_books.txt", "stories_african_storybook.txt"],
    "fables": ["stories_tinyfabulist_permissive_models.txt"],
    "fairy_tales": ["stories_fairytaleqa.txt"],
}
DIALOGUES = "dialog_self_dialogue.jsonl"
QUESTIONS = "qa_fairytaleqa.jsonl"


def clean(text):
    """Plain ASCII where there is one; single blanks; at most one empty line."""
    text = re.sub(r" +", " ", text.translate(PLAIN))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", text)).strip()


def tidy_turn(text):
    """A crowd-written turn with a capital at its start, 'I' for 'i', and a stop."""
    text = clean(text).replace("\n", " ")
    if not text:
        return text
    text = re.sub(r"\bi\b", "I", text)
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?\"')" else text + "."


def read_texts(path):
    with open(path, encoding="utf-8") as file:
        texts = [clean(part) for part in file.read().split("<|endoftext|>")]
    return [lower_spot(text) for text in texts if 40 < len(text) < 20000]


def lower_spot(text):
    """The restored capitals of one file took every spot for a dog of that name."""
    return (
        text
        if re.search(r"(named|called) Spot|Spot (the|was a)", text)
        else text.replace(" Spot", " spot")
    )


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_dialogues(path):
    """Lists of turns: four or more, none long, none unfit for a demonstration."""
    out = []
    for record in read_lines(path):
        turns = [t for t in map(tidy_turn, record["turns"]) if t]
        if len(turns) >= 4 and max(map(len, turns)) < 300 and not UNFIT.search(" ".join(turns)):
            out.append(turns)
    return out


def load(folder):
    """({source: training documents}, {source: held-out ones}): one of fifty is held out."""
    sources = {
        name: [t for f in files for t in read_texts(os.path.join(folder, f))]
        for name, files in FILES.items()
    }
    sources["dialogues"] = read_dialogues(os.path.join(folder, DIALOGUES))
    train, held = {}, {}
    for name, documents in sources.items():
        random.Random(1).shuffle(documents)
        cut = max(4, len(documents) // 50)
        held[name], train[name] = documents[:cut], documents[cut:]
    return train, held


def questions(folder):
    """Questions that people asked about fairy tales: examples of what a tiny model cannot know."""
    return [
        clean(r["q"]) for r in read_lines(os.path.join(folder, QUESTIONS)) if 15 < len(r["q"]) < 90
    ]
