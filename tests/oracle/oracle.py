"""tests/oracle/oracle.py BUILD [--schemas N] [--spoiled N] [--canonical N] [--seed S] - pawl against what others wrote:
the validator of PyPI's jsonschema, the canonical JSON of PyPI's rfc8785. Cases are random and seeded (generate.py); one
that differs is made small and printed with its seed. tools/oracle calls this.

Where jsonschema itself is not the measure:
  multipleOf   it divides doubles; here the numbers are divided as they are written, which is what the suite wants
"""
import argparse
import fractions
import json
import os
import random
import subprocess
import sys
import warnings

import jsonschema
import referencing.exceptions
import rfc8785

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import generate  # noqa: E402

warnings.filterwarnings("ignore")
sys.setrecursionlimit(1500)


def exact_multiple(validator, by, instance, schema):
    if not validator.is_type(instance, "number"):
        return
    if fractions.Fraction(str(instance)) % fractions.Fraction(str(by)):
        yield jsonschema.ValidationError(f"{instance!r} is not a multiple of {by}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"multipleOf": exact_multiple})


class Pawl:
    """The program `oracle`, a line in and a line out."""

    def __init__(self, build):
        self.child = subprocess.Popen([os.path.join(build, "oracle")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question):
        self.child.stdin.write(json.dumps(question).encode() + b"\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"oracle died at {json.dumps(question)}")
        return line.decode()[:-1]


def theirs(schema, instances, formats):
    """V, I or L for each instance; None: it cannot tell (a reference that leads nowhere)."""
    out = ""
    for instance in instances:
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER if formats else None
        try:
            out += "V" if Validator(schema, format_checker=checker).is_valid(instance) else "I"
        except RecursionError:
            out += "L"
        except referencing.exceptions.Unresolvable:
            return None
    return out


def smaller(v):
    """All values that are this one with one thing gone or replaced by less."""
    if isinstance(v, dict):
        for key in v:
            yield {k: x for k, x in v.items() if k != key}
        for key, x in v.items():
            for less in smaller(x):
                yield {k: less if k == key else y for k, y in v.items()}
    elif isinstance(v, list):
        for i in range(len(v)):
            yield v[:i] + v[i + 1:]
        for i, x in enumerate(v):
            for less in smaller(x):
                yield v[:i] + [less] + v[i + 1:]
    elif isinstance(v, str) and len(v) > 1:
        yield v[:1]


def shrink(case, differs):
    """The smallest case found, one step at a time, that still differs."""
    for _ in range(2000):
        for less in smaller(case):
            try:
                if differs(less):
                    case = less
                    break
            except Exception:  # what is no schema any more is no case
                continue
        else:
            break
    return case


def compare_schemas(pawl, count, seed, formats):
    failed = told = valid = 0
    for i in range(count):
        g = generate.Generator(random.Random(f"schema {seed} {i} {formats}"), formats)
        schema = g.document()
        instances = g.instances(schema, 6)
        ours = pawl.ask({"schema": schema, "instances": instances, "formats": formats})
        want = theirs(schema, instances, formats)
        if want is None or "L" in want:
            continue
        told += len(want)
        valid += want.count("V")
        if ours == want:
            continue
        failed += 1
        one = 0 if ours.startswith("refused") else next(k for k in range(len(want)) if ours[k] != want[k])

        def differs(case):
            s, v = case
            answer = theirs(s, [v], formats)
            return answer in ("V", "I") and pawl.ask({"schema": s, "instances": [v], "formats": formats}) == {"V": "I", "I": "V"}[answer]

        case = [schema, instances[one]]
        if differs(case):
            case = shrink(case, differs)
        print(f"schema, seed {seed}, case {i}: {json.dumps(case[0])}\n  instance {json.dumps(case[1])}\n"
              f"  pawl {ours}, jsonschema {want}")
    print(f"{count} schemas{' with formats' if formats else ''}: {told} instances, {valid} fit, {failed} schemas with another answer")
    return count - failed, failed


def is_schema(schema):
    """Does the meta-schema take it?"""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        return True
    except jsonschema.SchemaError:
        return False


def compare_spoiled(pawl, count, seed):
    failed = refused = 0
    for i in range(count):
        g = generate.Generator(random.Random(f"spoiled {seed} {i}"))
        schema = g.spoiled(g.document())
        ours = not pawl.ask({"schema": schema, "instances": []}).startswith("refused")
        want = is_schema(schema)
        refused += not want
        if ours == want or (want and not ours and theirs(schema, [1, {"a": 1}, [1, 2]], False) is None):
            continue
        words = pawl.ask({"schema": schema, "instances": []})
        if want and any(w in words for w in STRICTER):
            continue
        failed += 1

        def differs(s):
            return is_schema(s) == want and pawl.ask({"schema": s, "instances": []}).startswith("refused") == want

        small = shrink(schema, differs)
        print(f"spoiled, seed {seed}, case {i}: {json.dumps(small)}\n  pawl {words or 'takes it'}, jsonschema {'takes it' if want else 'refuses'}")
    print(f"{count} spoiled schemas: {refused} are none, {failed} with another answer")
    return count - failed, failed


# What a meta-schema cannot say, and pawl refuses.
STRICTER = ["leads to no schema", "leads back to itself", "two subschemas have", "is not known", "not a pattern", "cannot be run"]


def compare_canonical(pawl, count, seed):
    failed = 0
    for i in range(count):
        value, text = generate.any_json(random.Random(f"canonical {seed} {i}"))
        ours = pawl.ask({"json": text})
        want = rfc8785.dumps(value).decode()
        if ours == want and pawl.ask({"json": want}) == want:
            continue
        failed += 1
        print(f"canonical, seed {seed}, case {i}: {text!r}\n  pawl     {ours!r}\n  rfc8785  {want!r}")
    print(f"{count} texts: {failed} with another canonical form")
    return count - failed, failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--schemas", type=int, default=2000)
    p.add_argument("--spoiled", type=int, default=1000)
    p.add_argument("--canonical", type=int, default=5000)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    pawl = Pawl(a.build)
    passed = failed = 0
    for ok, bad in (compare_schemas(pawl, a.schemas, a.seed, False), compare_schemas(pawl, a.schemas // 4, a.seed, True),
                    compare_spoiled(pawl, a.spoiled, a.seed), compare_canonical(pawl, a.canonical, a.seed)):
        passed += ok
        failed += bad
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
