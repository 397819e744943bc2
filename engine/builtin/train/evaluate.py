#!/usr/bin/python3
"""Ask ryot's built-in model, greedily and through ryot itself; print figures and answers to be
read.

    evaluate.py --ryot ./ryot facts FACTS QUESTIONS   lines `ID | question`; ID `-` has no fact
    evaluate.py --ryot ./ryot talk FILE               a prompt a line: every answer
    evaluate.py --ryot ./ryot stories FILE            nouns a line, with commas: every story

`facts` gives the right fact as ryot's guide would give it (or `none`), so that it measures the
network alone: whether it repeats the fact letter by letter. With `--guide` ryot looks the fact
up itself and is measured as a whole. A right answer holds the fact's text, every other one is
printed. # begins a comment.
"""
import argparse
import json
import subprocess

import facts
import stories
import words

LIMIT = 300  # tokens; an answer of that length counts as one without an end


class Asker:
    def __init__(self, ryot, model):
        self.command = [ryot, "run", "-q", "-m", model, "--temp", "0", "--json", "-n", str(LIMIT)]
        self.asked, self.endless = 0, 0

    def ask(self, prompt, system=None):
        command = self.command + (["--system", system] if system else []) + ["-p", prompt]
        made = json.loads(
            subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, check=True
            ).stdout
        )
        self.asked += 1
        self.endless += made["finish"] == "length"
        return made["text"].strip()

    def report(self):
        print("%d answers, %d without an end" % (self.asked, self.endless))


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and line[0] != "#"]


def ask_facts(asker, facts_path, questions_path, guide):
    known, name = {}, None
    for line in lines(facts_path):
        name = line[1:].strip(" !") if line[0] == "@" else name
        if line[0] == "=":
            known[name] = line[1:].strip()
    right = wrong = unsure = 0
    for line in lines(questions_path):
        name, question = [part.strip() for part in line.split("|", 1)]
        fact = known.get(name)
        system = None if guide else facts.KNOWN % fact if fact else facts.UNSURE
        answer = asker.ask(question, system)
        if fact and fact in answer or not fact and is_unsure(answer):
            right += 1
            continue
        unsure += is_unsure(answer)
        wrong += not is_unsure(answer)
        print("%s | %s\n    fact:   %s\n    answer: %s" % (name, question, fact, answer))
    print("%d right, %d wrong, %d say that they do not know" % (right, wrong, unsure))


def is_unsure(answer):
    return (
        "do not know" in answer
        or "not sure" in answer
        or "no answer" in answer
        or "too small" in answer
    )


def ask_talk(asker, path):
    for prompt in lines(path):
        print("> %s\n%s\n" % (prompt, asker.ask(prompt)))


def ask_stories(asker, path):
    whole = 0
    asked = lines(path)
    for line in asked:
        nouns = [noun.strip() for noun in line.split(",")]
        story = asker.ask(stories.ASK[0].format(words.joined([stories.named(n) for n in nouns])))
        missing = [n for n in nouns if n not in story.lower()]
        whole += not missing
        print(
            "> %s%s\n%s\n" % (line, "   MISSING: " + ", ".join(missing) if missing else "", story)
        )
    print("%d of %d stories mention every noun" % (whole, len(asked)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ryot", default="ryot")
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--guide", action="store_true", help="facts: let ryot look the fact up")
    parser.add_argument("kind", choices=["facts", "talk", "stories"])
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    asker = Asker(options.ryot, options.model)
    if options.kind == "facts":
        ask_facts(asker, *options.files, options.guide)
    elif options.kind == "talk":
        ask_talk(asker, options.files[0])
    else:
        ask_stories(asker, options.files[0])
    asker.report()


if __name__ == "__main__":
    main()
