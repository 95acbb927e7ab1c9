"""tests/oracle/generate.py - random schemas of 2020-12, and instances that have something to do with them.

All of it comes from one random.Random, so a seed is a case. Names, values and patterns are few, so that what one
subschema says meets what another one wants; half of the instances are made to fit, then many of those changed a little.
References lead to schemas that are there; those that apply in place only lead onwards, so that nothing loops by itself."""
import json

NAMES = ["a", "b", "c", "ab", "x1", "x2", "", "é", "a/b"]
TEXTS = ["", "a", "b", "ab", "abc", "x1", "12", "é", "aé😀", "A", "a b", "2026-11-21"]
NUMBERS = [0, 1, 2, 3, 5, -1, 10, 1.0, 1.5, -0.0, 0.1, 0.3, 2.5, 1e10, 1e300, 1e-7, 4.35, 9007199254740993,
           9007199254740992.0, 18446744073709551615, -9223372036854775808]
PATTERNS = ["^a", "b$", "^[a-z]*$", "^x[0-9]$", "a|b", "^.{2}$", "^(ab|c)+$", "é", "[^a]", "^\\d+$", "^$", "\\S", "\\bb"]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
FORMATS = ["ipv4", "ipv6", "uuid", "date"]
FORMATTED = {
    "ipv4": ["192.0.2.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "01.2.3.4"],
    "ipv6": ["::", "::1", "2001:db8::7", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1::8", "12345::", "1::2::3", "1:2:3:4:5:6:7:8:9"],
    "uuid": ["3b241101-e2bb-4255-8caf-4136c566a962", "3b241101e2bb42558caf4136c566a962"],
    "date": ["2026-11-21", "2024-02-29", "1999-12-31", "2026-02-29", "2026-13-01", "2026-11-00", "2026-1-01"],
}


class Generator:
    def __init__(self, random, formats=False):
        self.random = random
        self.formats = formats
        self.values = []   # that constants of the schema have: instances use them again
        self.defs = []     # of the schema under way: number, name, own $id, anchor, is it dynamic

    def some(self, of, chance=0.5):
        return [x for x in of if self.random.random() < chance]

    def chance(self, p):
        return self.random.random() < p

    # values

    def scalar(self):
        r = self.random
        if self.values and self.chance(0.2):
            return r.choice(self.values)
        kind = r.randrange(8)
        if kind < 3:
            return r.choice(TEXTS)
        if kind < 6:
            return r.choice(NUMBERS) if self.chance(0.8) else r.randrange(-20, 20)
        return r.choice([None, True, False])

    def value(self, depth=2):
        r = self.random
        if depth <= 0 or self.chance(0.5):
            return self.scalar()
        if self.chance(0.05):
            return [self.value(1) for _ in range(r.randrange(17, 40))]
        if self.chance(0.05):
            return r.sample(range(-20, 20), 30) + [r.choice([5.0, "5", 25, [5], -30])]
        if self.chance(0.5):
            return [self.value(depth - 1) for _ in range(r.randrange(4))]
        return {r.choice(NAMES): self.value(depth - 1) for _ in range(r.randrange(4))}

    def constant(self):
        v = self.value(2)
        self.values.append(v)
        return v

    # schemas

    def reference(self, resource, onward):
        """A way to write a reference from `resource`; in place only to definitions further on."""
        targets = [d for d in self.defs if d["number"] > onward]
        if onward == -1 and self.chance(0.2):
            return {"$ref": "#" if resource is None else "root"}
        if not targets:
            return None
        d = self.random.choice(targets)
        base = "" if resource is None else "root"
        if d["own"] and self.chance(0.5):
            return {"$ref": d["own"]}
        if d["dynamic"] and onward == -1 and self.chance(0.7):
            return {"$dynamicRef": (d["own"] or base) + "#" + d["anchor"]}
        # Others follow a $ref to a $dynamicAnchor dynamically where two have one name; core, section 8.2.2 and the suite do not.
        alone = not d["dynamic"] or sum(e["anchor"] == d["anchor"] for e in self.defs) == 1
        if d["anchor"] and alone and self.chance(0.6):
            return {"$ref": (d["own"] or base) + "#" + d["anchor"]}
        return {"$ref": base + "#/$defs/" + d["name"].replace("/", "~1")}

    def below(self, depth, resource):
        """A subschema for a member or an item: it may lead back."""
        return self.schema(depth - 1, resource, -1)

    def assertions(self, out):
        r = self.random
        if self.chance(0.35):
            out["type"] = r.choice(TYPES) if self.chance(0.6) else r.sample(TYPES, r.randrange(1, 4))
        if self.chance(0.08):
            out["const"] = self.constant()
        if self.chance(0.12):
            out["enum"] = [self.constant() for _ in range(r.choice([1, 2, 3, 12]))]
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if self.chance(0.05):
                out[name] = r.choice(NUMBERS)
        if self.chance(0.05):
            out["multipleOf"] = r.choice([x for x in NUMBERS if x > 0])
        for low, high in (("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties")):
            if self.chance(0.06):
                out[low] = r.randrange(3)
            if self.chance(0.06):
                out[high] = r.choice([0, 1, 2, 3, 2.0])
        if self.chance(0.08):
            out["pattern"] = r.choice(PATTERNS)
        if self.chance(0.08):
            out["uniqueItems"] = self.chance(0.8)
        if self.chance(0.15):
            out["required"] = list(dict.fromkeys(r.choice(NAMES) for _ in range(r.randrange(3))))
        if self.chance(0.06):
            out["dependentRequired"] = {r.choice(NAMES): list(dict.fromkeys(r.choice(NAMES) for _ in range(r.randrange(3))))}
        if self.formats and self.chance(0.4):
            out["format"] = r.choice(FORMATS)

    def objects(self, out, depth, resource):
        r = self.random
        if self.chance(0.4):
            out["properties"] = {r.choice(NAMES): self.below(depth, resource) for _ in range(r.choice([1, 2, 3, 12]))}
        if self.chance(0.15):
            out["patternProperties"] = {r.choice(PATTERNS): self.below(depth, resource) for _ in range(r.randrange(1, 3))}
        if self.chance(0.2):
            out["additionalProperties"] = False if self.chance(0.4) else self.below(depth, resource)
        if self.chance(0.06):
            out["propertyNames"] = self.below(depth, resource)

    def arrays(self, out, depth, resource):
        r = self.random
        if self.chance(0.15):
            out["prefixItems"] = [self.below(depth, resource) for _ in range(r.randrange(1, 4))]
        if self.chance(0.2):
            out["items"] = False if self.chance(0.2) else self.below(depth, resource)
        if self.chance(0.12):
            out["contains"] = self.below(depth, resource)
            if self.chance(0.4):
                out["minContains"] = r.randrange(3)
            if self.chance(0.4):
                out["maxContains"] = r.randrange(3)

    def in_place(self, out, depth, resource, onward):
        r = self.random
        one = lambda: self.schema(depth - 1, resource, onward)
        for name in ("allOf", "anyOf", "oneOf"):
            if self.chance(0.12):
                out[name] = [one() for _ in range(r.randrange(1, 4))]
        if self.chance(0.06):
            out["not"] = one()
        if self.chance(0.1):
            out["if"] = one()
        for name in ("then", "else"):
            if self.chance(0.1):
                out[name] = one()
        if self.chance(0.06):
            out["dependentSchemas"] = {r.choice(NAMES): one() for _ in range(r.randrange(1, 3))}

    def schema(self, depth, resource, onward):
        """`onward`: the definition that this applies in the place of; -1: it is of a member or an item; -2: of the root."""
        if depth <= 0 or self.chance(0.1):
            return self.chance(0.8)
        out = {}
        if self.chance(0.2):
            found = self.reference(resource, onward)
            if found:
                out.update(found)
                if self.chance(0.5):
                    return out
        self.assertions(out)
        shape = self.random.randrange(4)
        if shape != 0:
            self.objects(out, depth, resource)
        if shape != 1:
            self.arrays(out, depth, resource)
        self.in_place(out, depth, resource, onward)
        for name in ("unevaluatedProperties", "unevaluatedItems"):
            if self.chance(0.15):
                out[name] = False if self.chance(0.6) else self.below(depth, resource)
        if self.chance(0.3):
            out = dict(self.random.sample(list(out.items()), len(out)))
        return out

    def document(self):
        """A whole schema, with definitions, some of which are resources of their own."""
        r = self.random
        self.values = []
        self.defs = []
        for number in range(r.randrange(4)):
            own = f"d{number}" if self.chance(0.3) else None
            anchor = r.choice(["n", f"n{number}"]) if self.chance(0.4) else None
            if any(d["anchor"] == anchor and not own and not d["own"] for d in self.defs):
                anchor = None
            self.defs.append({"number": number, "name": r.choice([f"d{number}", f"d/{number}"]), "own": own, "anchor": anchor,
                              "dynamic": bool(anchor) and self.chance(0.5)})
        out = {"$id": "http://x/root"}
        definitions = {}
        for d in self.defs:
            s = self.schema(2, d["own"], d["number"])
            if d["own"] or d["anchor"]:
                s = s if isinstance(s, dict) else {}
            if d["own"]:
                s["$id"] = d["own"]
            if d["anchor"]:
                s["$dynamicAnchor" if d["dynamic"] else "$anchor"] = d["anchor"]
            definitions[d["name"]] = s
        body = self.schema(3, None, -2)
        if not isinstance(body, dict):
            body = {"allOf": [body]}
        out.update(body)
        if definitions:
            out["$defs"] = definitions
        return out

    # instances

    def fitting(self, s, root, depth=3):
        """A value that may fit: it follows what the schema says first, not all that it says."""
        r = self.random
        if not isinstance(s, dict) or depth <= 0 or self.chance(0.1):
            return self.value(depth)
        if "const" in s:
            return s["const"]
        if s.get("enum"):
            return r.choice(s["enum"])
        for name in ("allOf", "anyOf", "oneOf"):
            if name in s and self.chance(0.3):
                return self.fitting(r.choice(s[name]), root, depth)
        if isinstance(s.get("$ref"), str) and s["$ref"].startswith("#/$defs/") and self.chance(0.5):
            name = s["$ref"][8:].replace("~1", "/")
            return self.fitting(root.get("$defs", {}).get(name, True), root, depth - 1)
        types = s.get("type") or (["object"] if "properties" in s or "required" in s else
                                  ["array"] if "items" in s or "prefixItems" in s else TYPES)
        kind = r.choice(types if isinstance(types, list) else [types])
        if kind == "object":
            names = list(s.get("required", [])) + self.some(list(s.get("properties", {}))) + self.some(NAMES, 0.15)
            r.shuffle(names)
            return {n: self.fitting(s.get("properties", {}).get(n, s.get("additionalProperties", True)), root, depth - 1)
                    for n in names}
        if kind == "array":
            first = s.get("prefixItems", [])
            out = [self.fitting(x, root, depth - 1) for x in first]
            for _ in range(r.randrange(s.get("minItems", 0), 4) if s.get("minItems", 0) < 4 else 4):
                out.append(self.fitting(s.get("items", s.get("contains", True)), root, depth - 1))
            return out
        if kind == "string":
            if s.get("format") in FORMATTED:
                return self.near(r.choice(FORMATTED[s["format"]]))
            return r.choice(TEXTS)
        if kind in ("integer", "number"):
            near = [s[k] for k in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf") if k in s]
            return r.choice(near) if near and self.chance(0.6) else r.choice(NUMBERS)
        return None if kind == "null" else self.chance(0.5)

    def near(self, text):
        """A text, often with one character changed, added or gone."""
        r = self.random
        if self.chance(0.5) or not text:
            return text
        i = r.randrange(len(text))
        c = r.choice("0129afgZ:.-+ %")
        return r.choice([text[:i] + c + text[i + 1:], text[:i] + c + text[i:], text[:i] + text[i + 1:]])

    def changed(self, v, depth=3):
        """The value with one thing in it changed."""
        r = self.random
        if isinstance(v, dict) and v and depth and self.chance(0.7):
            out = dict(v)
            key = r.choice(list(out))
            what = r.randrange(3)
            if what == 0:
                del out[key]
            elif what == 1:
                out[key] = self.changed(out[key], depth - 1)
            else:
                out[r.choice(NAMES)] = self.scalar()
            return out
        if isinstance(v, list) and v and depth and self.chance(0.7):
            out = list(v)
            i = r.randrange(len(out))
            what = r.randrange(3)
            if what == 0:
                del out[i]
            elif what == 1:
                out[i] = self.changed(out[i], depth - 1)
            else:
                out.append(r.choice(out))
            return out
        return self.value(1)

    def instances(self, schema, count):
        out = []
        for _ in range(count):
            v = self.fitting(schema, schema) if self.chance(0.75) else self.value(3)
            out.append(self.changed(v) if self.chance(0.4) else v)
        return out

    # schemas that may be none

    def spoiled(self, v, depth=4):
        """The schema with one value in it replaced by another kind of value."""
        r = self.random
        if isinstance(v, dict) and v and depth and self.chance(0.85):
            key = r.choice(list(v))
            return {k: self.spoiled(x, depth - 1) if k == key else x for k, x in v.items()}
        if isinstance(v, list) and v and depth and self.chance(0.85):
            i = r.randrange(len(v))
            return [self.spoiled(x, depth - 1) if k == i else x for k, x in enumerate(v)]
        return r.choice([None, True, False, 0, -1, 1.5, 2, "a", "string", [], ["a"], ["a", "a"], [{}], {}, {"a": {}}, {"a": 1}])


def text_of(v):
    return json.dumps(v, ensure_ascii=False)


# canonical JSON

SPECIAL = ["\x00", "\x1f", "\x7f", "\b", "\t", "\n", "\f", "\r", '"', "\\", "/", "\u2028", "\ud7ff", "\ue000", "\uffff", "\U00010000",
           "\U0010ffff", "é", "a", "A", "1", "€", "ﬁ", "\u0080"]


def any_text(random):
    return "".join(random.choice(SPECIAL) if random.random() < 0.7 else chr(random.choice([random.randrange(0x20, 0xd800),
                   random.randrange(0xe000, 0x110000)])) for _ in range(random.randrange(6)))


def any_number(random):
    """(the number, how it is written)"""
    import math
    import struct
    kind = random.randrange(6)
    if kind == 0:
        n = random.randrange(-2**53 + 1, 2**53) >> random.randrange(53)
        return n, str(n)
    if kind == 1:
        d = random.choice([0.0, -0.0, 5e-324, 1.7976931348623157e308, 1e21, 1e-7, 1e-6, 999999999999999900000.0, 1e20, 0.1, 333333333.33333329,
                           2.0**53, -2.0**-1074, 4.5, 2e-3, 9007199254740993.0])
    elif kind == 2:
        d = random.randrange(1, 10**random.randrange(1, 18)) * 10.0**random.randrange(-30, 30)
    else:
        d = struct.unpack("<d", struct.pack("<Q", random.getrandbits(64)))[0]
    if not math.isfinite(d):
        d = 1.5
    how = random.choice([repr(d), "%.17e" % d, "%.17E" % d, repr(d)])
    return float(how), how


def any_json(random, depth=3):
    """(the value, how it is written)"""
    kind = random.randrange(6 if depth else 4)
    space = lambda: random.choice(["", "", " ", "\n", "\t"])
    if kind == 0:
        return random.choice([(None, "null"), (True, "true"), (False, "false")])
    if kind == 1:
        return any_number(random)
    if kind < 4:
        t = any_text(random)
        return t, json.dumps(t, ensure_ascii=random.random() < 0.5)
    if kind == 4:
        items = [any_json(random, depth - 1) for _ in range(random.randrange(4))]
        return [v for v, _ in items], "[" + ",".join(space() + t + space() for _, t in items) + "]"
    members = {}
    for _ in range(random.randrange(30 if random.random() < 0.1 else 5)):
        members[any_text(random)] = any_json(random, depth - 1)
    written = [json.dumps(k, ensure_ascii=random.random() < 0.5) + space() + ":" + t for k, (_, t) in members.items()]
    return {k: v for k, (v, _) in members.items()}, "{" + ",".join(written) + space() + "}"
