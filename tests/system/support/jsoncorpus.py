# SPDX-License-Identifier: Apache-2.0
"""JSON documents and what becomes of them, written after RFC 8259 and the places where readers are known to differ. The
system tests send each as the body of a call, and the seeds of the fuzz target json are made of them.

A row is of one of four kinds:

* valid: RFC 8259, one reading; it reaches the cloud byte for byte
* broken: no JSON; Python's reader refuses it too, although that takes NaN, lone surrogates and twins
* doubtful: some readers take it, Python's among them, and others don't, or read something else; refused
* shaped: JSON of one reading, refused by the table of fields

| category  | what it holds |
|-----------|---------------|
| structure | brackets, commas, colons, what may stand at the top, cut documents |
| behind    | text, values, NUL and blanks in front of the document and behind it |
| numbers   | forms, signs of zero, the edges of 64 bits and of a double, long ones |
| literals  | case, cut and prolonged words, words of JavaScript and Python |
| strings   | escapes, control bytes, quotes; at five places of a body |
| utf8      | overlong, cut, surrogates, beyond the last code point; at two places |
| encodings | byte order marks, UTF-16, UTF-32, bytes of code pages |
| blanks    | the four that are allowed, and what other readers take for one |
| comments  | of six languages |
| twins     | names that stand twice, however written and wherever; names that only look alike |
| depth     | below, at and beyond the limits of nesting and of members |
"""

DEPTH, MEMBERS = 64, 8192  # limits.json_depth and limits.json_members as they are when not set

SYNTAX, UTF8, RANGE, TWIN = "json.syntax", "json.invalid_utf8", "json.number_range", "json.duplicate_member"
DEEP, MANY = "json.too_deep", "json.too_many_members"
ROWS = []


class Row:
    """text: a document in which # stands for members of a good body, those left out that it names itself, ~ for as many
    elements `0,` as bring the document to `count` values below its root, and ^ for where the fault is reported (it is
    taken out). at: the same as an offset. codec: what the whole is encoded in at the end. code: of the refusal."""

    def __init__(self, category, name, kind, code, text, at=None, codec=None, count=None, create_only=False):
        self.name = f"{category}: {name}"
        self.category, self.kind, self.code = category, kind, code
        self.text, self.at, self.codec, self.count = text, at, codec, count
        self.portable = not create_only and b'"spec":' not in text

    def document(self, members):
        """The bytes, and the offset of the fault or None. members: [(name, JSON text of the value)]."""
        kept = [b'"%s":%s' % member for member in members if b'"%s":' % member[0] not in self.text]
        data = self.text.replace(b"#", b",".join(kept), 1)
        if self.count is not None:
            data = data.replace(b"~", b"0," * (self.count - _values(data)), 1)
        at = self.at if self.at is not None or b"^" not in data else data.index(b"^")
        data = data.replace(b"^", b"", 1)
        return (data if self.codec is None else data.decode().encode(self.codec)), at


def _values(data):
    """How many values stand below the root: no string of a document with ~ holds such signs, and nothing is empty."""
    return sum(data.count(sign) for sign in (b",", b"{", b"["))


def _add(category, kind, code, rows, wrap=b"%s", **options):
    for name, text in rows.items():
        ROWS.append(Row(category, name, kind, code, wrap.replace(b"%s", text, 1), **options))


def valid(category, rows, wrap=b"%s", **options):
    _add(category, "valid", None, rows, wrap, **options)


def broken(category, rows, wrap=b"%s", code=SYNTAX, **options):
    _add(category, "broken", code, rows, wrap, **options)


def doubtful(category, rows, wrap=b"%s", code=SYNTAX, **options):
    _add(category, "doubtful", code, rows, wrap, **options)


def shaped(category, rows, code, wrap=b"%s", **options):
    _add(category, "shaped", code, rows, wrap, **options)


VALUE = b'{#,"x":%s}'  # a member that the API doesn't know

# ---- structure ----

valid("structure", {
    "plain": b"{#}", "empty object": b'{#,"x":{}}', "empty array": b'{#,"x":[]}', "array of arrays": b'{#,"x":[[],[[]],[]]}',
    "array of objects": b'{#,"x":[{},{"a":1},{}]}', "mixed": b'{#,"x":[null,1,"1",{"a":[true,{"b":false}]}]}',
    "unknown first": b'{"x":{"a":[]},#}', "one element": b'{#,"x":[0]}', "names of digits": b'{#,"x":{"0":0,"1":1}}',
    "name with a blank": b'{#,"a b":1}', "null where null may stand": b'{#,"description":null}',
    "name of brackets": b'{#,"}{][":1}', "string of brackets": b'{#,"x":"[{\\"a\\":1,}]"}',
    "name of a comment": b'{#,"/*":1,"*/":2}', "escaped known name": b'{#,"d\\u0065scription":"d"}',
    "annotations": b'{#,"spec":{"annotations":{"k":"v","":"","\\u006bk":"\\u0076"},"auto_stop":{"enable":true,"duration":3600}}}',
})
broken("structure", {
    "comma behind the last member": b'{#,^}', "comma behind the last element": b'{#,"x":[1,^]}', "two commas": b'{#,^,"x":1}',
    "two commas in an array": b'{#,"x":[1,^,2]}', "comma first": b'{^,#}', "comma first in an array": b'{#,"x":[^,1]}',
    "only a comma": b'{#,"x":{^,}}', "only a comma in an array": b'{#,"x":[^,]}', "no comma": b'{# ^"x":1}',
    "no comma in an array": b'{#,"x":[1 ^2]}', "no comma between strings": b'{#,"x":["a"^"b"]}',
    "no comma behind an object": b'{#,"x":[{}^{}]}',
    "semicolon": b'{#^;"x":1}', "semicolon in an array": b'{#,"x":[1^;2]}', "no colon": b'{#,"x" ^1}', "two colons": b'{#,"x":^:1}',
    "equals": b'{#,"x"^=1}', "arrow": b'{#,"x"^=>1}', "comma for a colon": b'{#,"x"^,1}', "colon in an array": b'{#,"x":["a"^:1]}',
    "colon at the top": b'{#}^:1', "no value": b'{#,"x":^}', "no value in the middle": b'{"x":^,#}', "name only": b'{#,"x"^}',
    "value only": b'{#,^1}', "number as name": b'{#,^1:1}', "null as name": b'{#,^null:1}', "array as name": b'{#,^["x"]:1}',
    "object as name": b'{#,^{"x":1}:1}', "name in single quotes": b"{#,^'x':1}", "value in single quotes": b"{#,\"x\":^'a'}",
    "name in backticks": b'{#,^`x`:1}', "value in backticks": b'{#,"x":^`a`}', "name without quotes": b'{#,^x:1}',
    "name half quoted": b'{#,^x":1}', "value without quotes": b'{#,"x":^a}', "typographic quotes": b'{#,"x":^\xe2\x80\x9ca\xe2\x80\x9d}',
    "name that ends late": b'{#,"x:1}^', "object closed as array": b'{#,"x":{"a":1^]}', "array closed as object": b'{#,"x":[1^}}',
    "object closed twice": b'{#}^}', "array closed twice": b'{#,"x":[]^]}', "document closed by ]": b'{#^]', "opened by [": b'["x"^:1,#}',
    "parentheses": b'{#,"x":^(1)}', "tuple": b'{#,"x":^(1,2)}', "angle brackets": b'{#,"x":^<1>}', "quotes twice": b'{#,"x":""^a""}',
    "concatenated": b'{#,"x":"a"^+"b"}', "spread": b'{#,^...{}}', "function": b'{#,"x":^function(){}}', "date": b'{#,"x":^new Date(0)}',
    "regular expression": b'{#,"x":^/a/}', "elision": b'{#,"x":[1,^,]}', "merge key": b'{#,^<<:{}}', "cut behind {": b"{^", "only [": b"[^",
    "cut behind a comma": b"{#,^", "cut behind a name": b'{#,"x"^', "cut behind a colon": b'{#,"x":^', "cut in a name": b'{#,"x^',
    "cut in a string": b'{#,"x":"a^', "cut in an escape": b'{#,"x":"a^\\', "cut in \\u": b'{#,"x":"^\\u00',
    "cut in an array": b'{#,"x":[1^',
    "cut behind an array": b'{#,"x":[1]^', "cut in a word": b'{#,"x":^tr', "cut in a number": b'{#,"x":1^',
    "cut behind a minus": b'{#,"x":-^',
    "cut behind a point": b'{#,"x":1.^', "cut behind e": b'{#,"x":1e^', "only }": b"^}", "only ]": b"^]", "only a quote": b'^"',
    "only a comma at the top": b"^,", "only a word": b"^abc", "members without brackets": b'^#', "members in a list": b'["x",1^:2]',
})
broken("structure", {"empty": b""}, code="body.missing")
doubtful("structure", {
    "lone number": b"^1", "lone zero": b"^0", "lone minus zero": b"^-0", "lone string": b'^"a"', "lone empty string": b'^""',
    "lone true": b"^true", "lone false": b"^false", "lone null": b"^null", "lone number in blanks": b" \n ^1 ",
    "whole body as a string": b'^"{}"',
})
shaped("structure", {"array": b"[{#}]", "empty array at the top": b"[]", "array of one number": b"[1]",
                     "description as array": b'{#,"description":[]}', "description as number": b'{#,"description":1}',
                     "flavor as object": b'{#,"flavor":{}}', "flavor as true": b'{#,"flavor":true}'}, "body.type")
shaped("structure", {"empty object at the top": b"{}"}, "body.missing", create_only=True)

# ---- in front and behind ----

valid("behind", {"newline": b"{#}\n", "two newlines": b"{#}\n\n", "CR LF": b"{#}\r\n", "CR": b"{#}\r", "blanks": b"{#}  \t ",
                 "newline in front": b"\n{#}",
                 "blanks in front": b" \t\r\n{#}", "many blanks": b" " * 300 + b"{#}" + b"\n" * 300})
broken("behind", {
    "word": b"{#}^x", "word after a blank": b"{#} ^x", "word on the next line": b"{#}\n^x", "comma": b"{#}^,", "semicolon": b"{#}^;",
    "colon": b"{#}^:",
    "number": b"{#}^1", "string": b'{#}^"a"', "null": b"{#} ^null", "two documents": b"{}^{#}",
    "two documents, empty last": b"{#}^{}", "two documents on lines": b"{}\n^{#}", "two documents, comma": b"{}^,{#}",
    "array behind": b"{#}^[]",
    "NUL": b"{#}^\0", "NUL after a newline": b"{#}\n^\0", "two NUL": b"{#}^\0\0", "NUL and a document": b"{}^\0{#}",
    "NUL in front": b"^\0{#}",
    "NUL between": b"{#,^\0\"x\":1}", "NUL behind a number": b'{#,"x":1^\0}', "NUL behind a word": b'{#,"x":true^\0}',
    "NUL behind a string": b'{#,"x":"a"^\0}',
    "NUL for a blank": b'{#,"x":^\0 1}', "SUB": b"{#}^\x1a", "EOT": b"{#}^\x04", "record separator in front": b"^\x1e{#}\n",
    "DEL": b"{#}^\x7f",
    "XSSI guard in front": b"^)]}',\n{#}", "XSSI loop in front": b"^while(1);{#}", "callback": b"^f({#})", "assignment": b"^x={#}",
    "form in front": b"^json={#}", "YAML marker in front": b"^---\n{#}", "YAML marker behind": b"{#}\n^...", "only blanks": b" \n\t^",
    "only a newline": b"\n^",
    "high byte": b"{#}^\xff", "chunk behind": b"{#}\r\n^0\r\n\r\n", "request behind": b"{#}^GET / HTTP/1.1\r\n\r\n",
})

# ---- numbers ----

valid("numbers", {
    "zero": b"0", "minus zero": b"-0", "one": b"1", "minus one": b"-1", "ten": b"10", "0.0": b"0.0", "-0.0": b"-0.0", "0e0": b"0e0",
    "-0e0": b"-0e0",
    "0e-1": b"0e-1", "0E+1": b"0E+1", "1e2": b"1e2", "1E2": b"1E2", "1e+2": b"1e+2", "1E-2": b"1E-2", "1e02": b"1e02", "1e00": b"1e00",
    "0.5": b"0.5", "-1.25e10": b"-1.25e10", "zeros behind": b"1.500000000", "zeros in an exponent": b"1e0000000000000000000001",
    "largest integer": b"9223372036854775807", "smallest integer": b"-9223372036854775808", "2^53": b"9007199254740992",
    "2^53 + 1": b"9007199254740993", "2^31": b"2147483648", "2^32": b"4294967296", "largest double": b"1.7976931348623157e308",
    "rounds down to the largest double": b"1.7976931348623158e308", "smallest double": b"5e-324", "underflow": b"1e-400",
    "underflow of a negative": b"-1e-400", "far underflow": b"1e-99999999999999999999",
    "zero with a huge exponent": b"0e99999999999999999999",
    "0.0 with a huge exponent": b"0.0e400", "1E308": b"1E308", "64 digits of a fraction": b"0." + b"1234567890" * 6 + b"1234",
    "3000 digits of a fraction": b"0." + b"3" * 3000, "long zero fraction": b"0." + b"0" * 3000,
    "long digits, small exponent": b"1" * 300 + b"e-300",
    "integer as a real beyond 64 bits": b"9223372036854775808.0", "exponent beyond 64 bits": b"1e19",
    "long mantissa that fits": b"1" * 308 + b".5",
    "list": b"[0,-0,1,-1,0.1,1e1,-1E-1]", "blank on both sides": b"[ 0 , -0 ]",
}, VALUE)
broken("numbers", {
    "plus": b"^+1", "plus zero": b"^+0", "plus in an array": b"[^+1]", "leading zero": b"^01", "0123": b"^0123", "two zeros": b"^00",
    "00.5": b"^00.5",
    "minus leading zero": b"-^01", "-00": b"-^00", "point first": b"^.5", "minus point": b"-^.5", "point last": b"5.^",
    "minus, point last": b"-5.^",
    "0.": b"0.^", "point, then e": b"1.^e1", "0.e1": b"0.^e1", "only a point": b"^.", "only a minus": b"-^", "only a plus": b"^+",
    "two minus": b"-^-1",
    "minus plus": b"-^+1", "plus minus": b"^+-1", "minus blank": b"-^ 1", "two points": b"1.2^.3", "two points in a row": b"1.^.2",
    "only e": b"^e1", "e last": b"1e^", "E last": b"1E^", "e plus last": b"1e+^", "e minus last": b"1e-^", "E plus last": b"1E+^",
    "e twice": b"1e^e1",
    "e and E": b"1e1^E1", "e plus plus": b"1e+^+1", "e point": b"1e^.5", "real exponent": b"1e1^.5", "0e last": b"0e^", "0e+": b"0e+^",
    "minus e": b"-^e1",
    "hexadecimal": b"0^x1", "hexadecimal in capitals": b"0^X1F", "hexadecimal, no digit": b"0^x", "octal": b"0^o17", "binary": b"0^b1",
    "BigInt": b"1^n",
    "suffix f": b"1.0^f", "suffix L": b"1^L", "suffix d": b"1^d", "underscore": b"1^_000", "blank between digits": b"1 ^000",
    "comma between digits": b"1,^000",
    "apostrophe between digits": b"1^'000", "percent": b"1^%", "unit": b"1^h", "fraction": b"1^/2", "sum": b"1^+1", "difference": b"2^-1",
    "power": b"2^**3",
    "blank before e": b"1 ^e2", "blank behind e": b"1e^ 2", "blank before the point": b"1 ^.5", "blank behind the point": b"1.^ 5",
    "dollar": b"^$1",
    "word in the middle": b"1^a2", "Arabic digits": b"^\xd9\xa1\xd9\xa2", "full-width digit": b"^\xef\xbc\x91",
    "superscript": b"1^\xc2\xb2",
    "Arabic digit behind": b"1^\xd9\xa2", "minus sign U+2212": b"^\xe2\x88\x921", "full-width plus": b"^\xef\xbc\x8b1",
    "decimal comma": b"[1,^,5]",
    "Inf": b"^Inf", "inf": b"^inf", "infinity": b"^infinity", "-inf": b"-^inf", "nan": b"^nan", "-NaN": b"-^NaN",
    "+Infinity": b"^+Infinity",
    "NAN": b"^NAN", "NaN(1)": b"^nan(1)", "1.#INF": b"1.^\x23INF", "Infinite": b"^Infinit", "hexadecimal real": b"0^x1p3", "5e": b"5e^",
    "-2.": b"-2.^",
    "2.e+3": b"2.^e+3", "9.e": b"9.^e", "-1x": b"-1^x", "-foo": b"-^foo", "-012": b"-^012", "control behind": b"1^\x01",
    "high byte behind": b"1^\xe5",
    "high byte behind e": b"1e1^\xe5", "high byte behind zero": b"0^\xe5",
}, VALUE)
doubtful("numbers", {"NaN": b"^NaN", "Infinity": b"^Infinity", "-Infinity": b"-^Infinity", "NaN in an array": b"[^NaN]"}, VALUE)
doubtful("numbers", {
    "beyond the largest integer": b"^9223372036854775808", "beyond the smallest integer": b"^-9223372036854775809",
    "2^64 - 1": b"^18446744073709551615",
    "2^64": b"^18446744073709551616", "2^64 + 1": b"^18446744073709551617", "-2^64": b"^-18446744073709551616", "2^128": b"^%d" % 2**128,
    "30 digits": b"^123456789012345678901234567890", "4000 digits": b"^" + b"9" * 4000, "minus 4000 digits": b"^-" + b"9" * 4000,
    "10^19": b"^1" + b"0" * 19, "1e309": b"^1e309", "1E400": b"^1E400", "-1e400": b"^-1e400", "1.8e308": b"^1.8e308",
    "rounds to infinity": b"^1.7976931348623159e308",
    "minus rounds to infinity": b"^-1.7976931348623159e308", "half-way to infinity": b"^%d.0" % (2**1024 - 2**970),
    "400 digits and a point": b"^" + b"1" * 400 + b".0",
    "huge exponent": b"^1e99999999999999999999", "small mantissa, huge exponent": b"^0.00000001e400",
    "0.4e309...": b"^0.4e00669999999999999999", "in an array": b"[1,^1e999]",
}, VALUE, RANGE)
STOP = b'{#,"spec":{"auto_stop":{"enable":true,"duration":%s}}}'
valid("numbers", {"0 as duration": b"0", "-0 as duration": b"-0", "-1 as duration": b"-1", "largest as duration": b"9223372036854775807",
                  "smallest as duration": b"-9223372036854775808", "blanks around a duration": b" \t3600\r\n"}, STOP)
broken("numbers", {"03600 as duration": b"^03600", "+3600 as duration": b"^+3600", "3600. as duration": b"3600.^",
                   "0xE10 as duration": b"0^xE10",
                   "3_600 as duration": b"3^_600", "3600s as duration": b"3600^s", "1h as duration": b"1^h"}, STOP)
doubtful("numbers", {"beyond 64 bits as duration": b"^9223372036854775808", "wraps to 3600 as duration": b"^18446744073709555216",
                     "1e400 as duration": b"^1e400", "3600 and 3981 digits as duration": b"^3600" + b"0" * 3981}, STOP, RANGE)
shaped("numbers", {"3600.0 as duration": b"3600.0", "36e2 as duration": b"36e2", "-0.0 as duration": b"-0.0",
                   "string as duration": b'"3600"',
                   "true as duration": b"true", "1e-400 as duration": b"1e-400"}, "body.type", STOP)

# ---- literals ----

valid("literals", {"true": b"true", "false": b"false", "null": b"null", "all in an array": b"[true,false,null]"}, VALUE)
broken("literals", {
    "True": b"^True", "TRUE": b"^TRUE", "tRUE": b"^tRUE", "truE": b"^truE", "False": b"^False", "FALSE": b"^FALSE", "Null": b"^Null",
    "NULL": b"^NULL", "nULL": b"^nULL",
    "None": b"^None", "nil": b"^nil", "undefined": b"^undefined", "void": b"^void 0", "yes": b"^yes", "no": b"^no", "on": b"^on",
    "off": b"^off", "t": b"^t", "n": b"^n",
    "f": b"^f", "tru": b"^tru", "fals": b"^fals", "nul": b"^nul", "truee": b"true^e", "falsee": b"false^e", "nulll": b"null^l",
    "truefalse": b"true^false", "true1": b"true^1",
    "null in quotes half": b'null^"', "nul and a blank": b"^nul l", "full-width true": b"^\xef\xbd\x94rue", "escaped true": b"^\\u0074rue",
    "tilde for null": b"^\x7e",
    "not": b"^!0", "dash": b"-^true", "high byte behind": b"null^\xe5",
}, VALUE)

# ---- strings: at five places, each row at two of them ----

PLACES = [("description", b'{#,"description":%s}'),
          ("annotation", b'{#,"spec":{"annotations":{"k":%s},"auto_stop":{"enable":true,"duration":3600}}}'),
          ("annotation's name", b'{#,"spec":{"annotations":{%s:"v"},"auto_stop":{"enable":true,"duration":3600}}}'), ("flavor", b'{#,"flavor":%s}'),
          ("unknown name", b'{#,"x":{%s:[]}}')]


def strings(add, category, rows, places=PLACES, **options):
    """Each row at two of the places, in turn."""
    for number, (name, text) in enumerate(rows.items()):
        for place, wrap in dict.fromkeys([places[number % len(places)], places[(number * 2 + 1) % len(places)]]):
            add(category, {f"{name}, as {place}": text}, wrap, **options)


strings(valid, "strings", {
    "empty": b'""', "escaped quote": b'"\\""', "escaped backslash": b'"\\\\"', "escaped slash": b'"\\/"', "\\b": b'"\\b"', "\\f": b'"\\f"',
    "\\n": b'"\\n"', "\\r": b'"\\r"',
    "\\t": b'"\\t"', "all escapes": b'"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"', "\\u0001": b'"\\u0001"', "\\u001f": b'"\\u001f"',
    "\\u0022": b'"\\u0022"', "\\u005c": b'"\\u005c"',
    "\\u007f": b'"\\u007f"', "\\u0080": b'"\\u0080"', "small digits": b'"\\u00e9\\uabcd"', "capital digits": b'"\\u00E9\\uABCD"',
    "mixed digits": b'"\\uaBcD"',
    "surrogate pair": b'"\\ud83d\\ude00"', "pair in capitals": b'"\\uD83D\\uDE00"', "first pair": b'"\\ud800\\udc00"',
    "last pair": b'"\\udbff\\udfff"', "two pairs": b'"\\ud83d\\ude00\\ud83d\\ude01"',
    "next to surrogates": b'"\\ud7ff\\ue000"', "\\uffff": b'"\\uffff"', "\\ufeff": b'"\\ufeff"', "\\u2028": b'"\\u2028"',
    "escaped backslash, then u": b'"\\\\u0000"', "escaped backslash, then ud800": b'"\\\\ud800"',
    "DEL": b'"\x7f"', "slash": b'"a/b"', "single quotes": b"\"a'b\"", "blanks": b'"  a  "', "looks like JSON": b'"{}"',
    "looks like a comment": b'"/* a */ // b"', "5000 bytes": b'"' + b"a" * 5000 + b'"',
})
strings(broken, "strings", {
    "\\a": b'"^\\a"', "\\v": b'"^\\v"', "\\0": b'"^\\0"', "\\e": b'"^\\e"', "\\x41": b'"^\\x41"', "\\101": b'"^\\101"', "\\'": b"\"^\\'\"",
    "escaped blank": b'"^\\ "', "escaped newline": b'"^\\\n"', "escaped NUL": b'"^\\\0"',
    "\\U": b'"^\\U00000041"', "\\N": b'"^\\N"', "\\B": b'"^\\B"', "\\T": b'"^\\T"', "\\u{41}": b'"^\\u{41}"', "\\u+041": b'"^\\u+041"',
    "\\u-041": b'"^\\u-041"', "\\u 041": b'"^\\u 041"', "\\u0x41": b'"^\\u0x41"',
    "\\u": b'"^\\u"', "\\u4": b'"^\\u4"', "\\u41": b'"^\\u41"', "\\u041": b'"^\\u041"', "\\u00g1": b'"^\\u00g1"', "\\u00_1": b'"^\\u00_1"',
    "full-width hex digit": b'"^\\u004\xef\xbc\x91"', "\\u123": b'"^\\u123"',
    "escaped high byte": b'"^\\\xe5"', "escaped euro": b'"^\\\xe2\x82\xac"', "\\)": b'"^\\)"', "raw newline": b'"a^\nb"',
    "raw CR": b'"a^\rb"', "raw tab": b'"a^\tb"', "raw NUL": b'"a^\0b"',
    "raw 01": b'"^\x01"', "raw 1F": b'"^\x1f"', "raw ESC": b'"^\x1b[0m"', "raw backspace": b'"^\x08"',
    "\\u12 behind a letter": b'"a^\\u12"',
})
strings(doubtful, "strings", {
    "lone high": b'"^\\ud800"', "lone high in capitals": b'"^\\uD83D"', "last high": b'"^\\udbff"', "lone low": b'"^\\udc00"',
    "last low": b'"^\\udfff"', "low, then high": b'"^\\udc00\\ud800"',
    "two highs": b'"^\\ud800\\ud800"', "high, high, low": b'"^\\ud800\\ud83d\\ude00"', "two lows": b'"^\\udc00\\udc00"', "last low twice": b'"^\\udfff\\udfff"',
   
    "high, then a letter": b'"^\\ud800a"', "high, then an escape": b'"^\\ud800\\n"',
    "high, then \\u0041": b'"^\\ud83d\\u0041"', "high, then a raw low": b'"^\\ud83dx\\ude00"',
    "pair, then high": b'"\\ud83d\\ude00^\\ud83d"', "pair, then low": b'"\\ud83d\\ude00^\\ude00"',
    "high, then \\ue000": b'"^\\ud800\\ue000"',
}, code=UTF8)
strings(doubtful, "strings", {"\\u0000": b'"^\\u0000"', "\\u0000 in the middle": b'"a^\\u0000b"',
                              "\\u0000 behind": b'"modelarts.vm.cpu.2u^\\u0000"', "\\u0000 twice": b'"^\\u0000\\u0000"',
                                "\\u0000 behind a pair": b'"\\ud83d\\ude00^\\u0000"'})

# ---- UTF-8 ----

TEXTS = [PLACES[0], PLACES[4]]
strings(valid, "utf8", {
    "two bytes": b'"\xc3\xa9"', "three bytes": b'"\xe2\x82\xac"', "four bytes": b'"\xf0\x9f\x98\x80"', "first of two": b'"\xc2\x80"',
    "last of two": b'"\xdf\xbf"', "first of three": b'"\xe0\xa0\x80"',
    "last of three": b'"\xef\xbf\xbf"', "first of four": b'"\xf0\x90\x80\x80"', "last of all": b'"\xf4\x8f\xbf\xbf"',
    "around surrogates": b'"\xed\x9f\xbf\xee\x80\x80"', "BOM in a string": b'"\xef\xbb\xbf"',
    "U+2028": b'"\xe2\x80\xa8\xe2\x80\xa9"', "U+FFFD": b'"\xef\xbf\xbd"', "noncharacters": b'"\xef\xb7\x90\xf0\x9f\xbf\xbf"',
    "private": b'"\xee\x80\x80\xf4\x80\x80\x80"', "right to left": b'"\xe2\x80\xaeabc"',
    "composed": b'"\xc3\xa9"', "decomposed": b'"e\xcc\x81"', "NEL": b'"\xc2\x85"', "emoji family": '"\U0001f468\u200d\U0001f469"'.encode(),
}, TEXTS)
strings(broken, "utf8", {
    "lone continuation": b'"^\x80"', "last continuation": b'"^\xbf"', "overlong slash in two": b'"^\xc0\xaf"',
    "overlong NUL in two": b'"^\xc0\x80"', "C1": b'"^\xc1\xbf"', "overlong quote": b'"^\xc0\xa2"',
    "overlong slash in three": b'"^\xe0\x80\xaf"', "largest overlong in three": b'"^\xe0\x9f\xbf"',
    "overlong slash in four": b'"^\xf0\x80\x80\xaf"', "largest overlong in four": b'"^\xf0\x8f\xbf\xbf"',
    "beyond the last": b'"^\xf4\x90\x80\x80"', "F5": b'"^\xf5\x80\x80\x80"', "five bytes": b'"^\xf8\x88\x80\x80\x80"',
    "six bytes": b'"^\xfc\x84\x80\x80\x80\x80"', "FE": b'"^\xfe"', "FF": b'"^\xff"', "two cut": b'"^\xc3"',
    "three cut after one": b'"^\xe2"', "three cut after two": b'"^\xe2\x82"', "four cut after one": b'"^\xf0"',
    "four cut after two": b'"^\xf0\x9f"', "four cut after three": b'"^\xf0\x9f\x98"', "three, letter within": b'"^\xe2a\xac"',
    "two, then two": b'"^\xc3\xc3\xa9"', "cut before an escape": b'"^\xe2\x82\\n"', "one too many": b'"\xc3\xa9^\xa9"',
    "Latin-1": b'"caf^\xe9"', "Windows quotes": b'"^\x93a\x94"', "Shift JIS": b'"^\x93\xfa\x96{"', "GBK": b'"^\xd6\xd0"',
    "cut at the end of the text": b'"a\xe2\x82\xac^\xe2\x82"', "EUC-KR": b'"^\xc7\xd1"', "far behind": b'"' + b"\xc3\xa9" * 40 + b'^\xff"',
    "after 15 letters": b'"' + b"a" * 15 + b'^\xff"', "after 16 letters": b'"' + b"a" * 16 + b'^\xff"',
}, TEXTS, code=UTF8)
strings(doubtful, "utf8", {"high surrogate": b'"^\xed\xa0\x80"', "low surrogate": b'"^\xed\xb0\x80"', "last surrogate": b'"^\xed\xbf\xbf"',
                           "pair as CESU-8": b'"^\xed\xa0\xbd\xed\xb8\x80"'}, TEXTS, code=UTF8)

# ---- encodings of the whole ----

broken("encodings", {"BOM twice": b"^\xef\xbb\xbf\xef\xbb\xbf{#}", "BOM behind": b"{#}^\xef\xbb\xbf",
                     "BOM within": b'{#,^\xef\xbb\xbf"x":1}', "BOM after a blank": b" ^\xef\xbb\xbf{#}", "half a BOM": b"^\xef\xbb{#}",
                     "only the BOM": b"^\xef\xbb\xbf",
                     "UTF-7": b"^+AHsAfQ-", "UTF-16 mark, then UTF-8": b"^\xff\xfe{#}", "UTF-16 mark only": b"^\xfe\xff",
                     "EBCDIC": b"^\xc0\xd0", "gzip": b"^\x1f\x8b\x08\x00", "BSON": b"^\x05\x00\x00\x00\x00",
                     "CBOR": b"^\xa1\x61\x78\x01", "MessagePack": b"^\x81\xa1x\x01", "percent escapes": b"^%7B%7D",
                     "character references": b"^&lbrace;&rbrace;", "base64": b"^e30="})
doubtful("encodings", {"BOM": b"^\xef\xbb\xbf{#}", "BOM and a newline": b"^\xef\xbb\xbf\n{#}"})
for codec, at in {"utf-16-le": 1, "utf-16-be": 0, "utf-32-le": 1, "utf-32-be": 0, "utf-16": 0, "utf-32": 0}.items():
    doubtful("encodings", {codec + (" with a mark" if codec[-1].isdigit() else ""): b"{#}"}, at=at, codec=codec)
doubtful("encodings", {"UTF-16-BE with a mark": "\ufeff{#}".encode()}, at=0, codec="utf-16-be")
doubtful("encodings", {"UTF-32-BE with a mark": "\ufeff{#}".encode()}, at=0, codec="utf-32-be")

# ---- blanks ----

BLANKS = {"U+00A0": "\u00a0", "VT": "\v", "FF": "\f", "U+2028": "\u2028", "U+2029": "\u2029", "NEL": "\u0085", "U+FEFF": "\ufeff",
          "U+200B": "\u200b", "U+3000": "\u3000", "U+2003": "\u2003", "U+1680": "\u1680", "U+2060": "\u2060",
          "backspace": "\b", "FS": "\x1c", "DEL": "\x7f"}
valid("blanks", {"everywhere": b' {\t#\n,\r"x"\t:\n[\r1 ,\t2\n]\r} ', "in an empty object": b'{#,"x":{ \t\r\n}}',
                 "in an empty array": b'{#,"x":[ \t\r\n]}', "none": b'{#,"x":[1,{"a":2}]}', "only CR": b'{\r#\r}',
                 "many": b"{#,\"x\":" + b" \t\r\n" * 200 + b"1}"})
for word, sign in BLANKS.items():
    broken("blanks", {f"{word} for a blank": b'{#,"x":^%s1}'.replace(b"%s", sign.encode())})
    broken("blanks", {f"{word} behind a value": b'{#,"x":[1^%s]}'.replace(b"%s", sign.encode())})
for word in ("U+00A0", "VT", "FF", "NEL", "U+2028", "U+3000"):
    broken("blanks", {f"{word} behind the document": b"{#}^" + BLANKS[word].encode()})
broken("blanks", {"Latin-1 no-break space": b'{#,"x":^\xa01}', "Latin-1 NEL": b'{#,"x":^\x851}', "escaped newline": b'{#,^\\n"x":1}',
                  "escaped blank": b'{#,"x":^\\u00201}', "plus for a blank": b'{#,^+"x":1}', "form feed in front": b"^\f{#}"})

# ---- comments ----

broken("comments", {
    "block": b'{#,^/* c */"x":1}', "block behind": b"{#}^/* c */", "block in front": b"^/* c */{#}", "block open": b'{#,"x":1^/*}',
    "block in an array": b'{#,"x":[1^/**/,2]}', "block behind a name": b'{#,"x"^/**/:1}', "block with a member": b'{#^/*,"x":1*/}',
    "line": b'{#,^// c\n"x":1}', "line behind": b"{#}^// c", "line behind on a line": b"{#}\n^// c\n", "line in front": b"^// c\n{#}",
    "line before the end": b'{#^//}\n}', "half a slash": b"{#}^/", "two slashes, no text": b"{#}^//", "hash": b'{#,^# c\n"x":1}',
    "hash behind": b"{#}^# c",
    "HTML": b"{#}^<!-- c -->", "SQL": b"{#}^-- c", "semicolon": b"{#}^; c", "percent": b"{#}^% c", "block with a star": b"{#}^/***/",
    "nested": b'{#,"x":^/* /* */ */1}',
})

# ---- twins ----

doubtful("twins", {
    "plain": b'{#,"x":1,^"x":2}', "same value": b'{#,"x":1,^"x":1}', "three": b'{#,"x":1,^"x":2,"x":3}', "apart": b'{"x":1,#,^"x":2}',
    "second escaped": b'{#,"x":1,^"\\u0078":2}', "first escaped": b'{#,"\\u0078":1,^"x":2}',
    "escaped in two ways": b'{#,"\\u00e9":1,^"\\u00E9":2}', "escaped and raw": b'{#,"\xc3\xa9":1,^"\\u00e9":2}',
    "pair and raw": b'{#,"\xf0\x9f\x98\x80":1,^"\\ud83d\\ude00":2}', "slash and escaped slash": b'{#,"/":1,^"\\/":2}',
    "quote in two ways": b'{#,"\\"":1,^"\\u0022":2}',
    "backslash in two ways": b'{#,"\\\\":1,^"\\u005c":2}', "newline in two ways": b'{#,"\\n":1,^"\\u000a":2}',
    "empty names": b'{#,"":1,^"":2}', "nested": b'{#,"x":{"a":1,^"a":2}}', "deep": b'{#,"x":[[[{"a":[{"b":1,^"b":1}]}]]]}',
    "in an array's object": b'{#,"x":[{"a":1},{"a":1,^"a":2}]}', "in an array's last": b'{#,"x":[{},1,{"a":0,"b":1,^"a":2}]}',
    "objects": b'{#,"x":{},^"x":{}}', "arrays": b'{#,"x":[],^"x":[]}', "null and value": b'{#,"x":null,^"x":1}',
    "value and null": b'{#,"x":1,^"x":null}', "blanks around": b'{#,"x" : 1 , ^"x" : 2}', "on lines": b'{#,\n"x":1,\n  ^"x":2}',
    "description": b'{#,"description":"a",^"description":"b"}',
    "flavor": b'{#,"flavor":"modelarts.vm.cpu.2u",^"flavor":"modelarts.vm.gpu.v100"}',
    "flavor escaped": b'{#,"flavor":"modelarts.vm.cpu.2u",^"fl\\u0061vor":"modelarts.vm.gpu.v100"}',
    "flavor escaped first": b'{#,"fl\\u0061vor":"modelarts.vm.gpu.v100",^"flavor":"modelarts.vm.cpu.2u"}',
    "flavor, all escaped": b'{#,"flavor":"a",^"\\u0066\\u006c\\u0061\\u0076\\u006f\\u0072":"b"}',
    "among forty": b'{#,"x":{' + b",".join(b'"k%d":0' % n for n in range(40)) + b',^"k7":1}}',
    "among forty, escaped": b'{#,"x":{' + b",".join(b'"k%d":0' % n for n in range(40)) + b',^"\\u006b39":1}}',
    "400 bytes long": b'{#,"' + b"n" * 400 + b'":1,^"' + b"n" * 400 + b'":2}',
    "annotations": b'{#,"spec":{"annotations":{"a":"1",^"a":"2"},"auto_stop":{"enable":true,"duration":3600}}}',
    "duration": b'{#,"spec":{"auto_stop":{"enable":true,"duration":3600,^"duration":-1}}}',
    "enable": b'{#,"spec":{"auto_stop":{"enable":true,^"enable":false,"duration":3600}}}',
    "auto_stop": b'{#,"spec":{"auto_stop":{"enable":true,"duration":3600},^"auto_stop":null}}',
    "spec": b'{#,"spec":{"auto_stop":{"enable":true,"duration":3600}},^"spec":{}}', "name with a blank": b'{#,"a b":1,^"a\\u0020b":2}',
    "__proto__": b'{#,"__proto__":1,^"__proto__":{}}',
}, code=TWIN)
valid("twins", {
    "in two objects": b'{#,"x":{"a":1},"y":{"a":1}}', "in nested objects": b'{#,"x":{"x":{"x":1}}}',
    "in the objects of an array": b'{#,"x":[{"a":1},{"a":1}]}', "composed and decomposed": b'{#,"\xc3\xa9":1,"e\xcc\x81":2}',
    "ligature": b'{#,"\xef\xac\x81":1,"fi":2}', "case": b'{#,"k":1,"K":2}',
    "name and value": b'{#,"x":"x"}', "blank behind": b'{#,"x":1,"x ":2}', "blank in front": b'{#,"x":1," x":2}',
    "empty and blank": b'{#,"":1," ":2}', "escaped backslash": b'{#,"x":1,"\\\\u0078":2}', "digits": b'{#,"1":1,"01":2,"1.0":3}',
    "full-width": b'{#,"x":1,"\xef\xbd\x98":2}', "one empty name": b'{#,"":0}',
    "prototype": b'{#,"__proto__":1,"constructor":2}', "sharp s": b'{#,"\xc3\x9f":1,"ss":2}', "zero width": b'{#,"x":1,"x\xe2\x80\x8b":2}',
    "same hash length": b'{#,"aab":1,"aba":2,"baa":3}', "forty": b'{#,"x":{' + b",".join(b'"k%d":0' % n for n in range(40)) + b'}}',
})
shaped("twins", {
    "Flavor": b'{#,"Flavor":"a"}', "FLAVOR": b'{#,"FLAVOR":"a"}', "Description": b'{#,"Description":"a"}',
    "flavor and a blank": b'{#,"flavor ":"a"}', "zero width in flavor": b'{#,"fla\xe2\x80\x8bvor":"a"}',
    "Cyrillic o in flavor": b'{#,"flav\xd0\xber":"a"}', "escaped Cyrillic o in flavor": b'{#,"flav\\u043er":"a"}',
    "full-width flavor": '{#,"\uff46\uff4c\uff41\uff56\uff4f\uff52":"a"}'.encode(), "fi ligature": '{#,"pro\ufb01le_id":"a"}'.encode(),
    "0 for o": b'{#,"flav0r":"a"}', "Flavor, nested": b'{#,"x":[{"Flavor":"a"}]}', "BOM in flavor": b'{#,"\xef\xbb\xbfflavor":"a"}',
    "soft hyphen": b'{#,"fla\xc2\xadvor":"a"}',
}, "body.lookalike")
shaped("twins", {"flavor within": b'{#,"x":{"flavor":"a"}}', "escaped flavor within": b'{#,"x":[{"fl\\u0061vor":"a"}]}'}, "body.misplaced")

# Readers look for twins in another way when an object is large. The two words have one FNV-1a hash.
COLLIDING = b'"costarring":0,"liquid":0'
for size in (11, 12, 13, 14, 100):
    names = b",".join(b'"k%d":0' % n for n in range(size - 1))
    valid("twins", {f"none among {size}": b'{' + names + b',"x":0}', f"none among {size}, one hash": b'{' + names + b"," + COLLIDING + b"}"}, VALUE)
    doubtful("twins", {f"last and first of {size}": b"{" + names + b',^"k0":0}', f"last two of {size}": b"{" + names + b',^"k%d":0}' % (size - 2),
                       f"escaped, last and first of {size}": b"{" + names + b',^"\\u006b0":0}',
                       f"of {size} with one hash": b"{" + COLLIDING + b"," + names + b',^"costarring":1}'}, VALUE, TWIN)

# ---- depth and width: the root is the first level ----


def nested(levels):
    """As many levels of brackets, by name."""
    pairs, odd = divmod(levels, 2)
    return {"arrays": b"[" * levels + b"]" * levels,
            "objects": b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1),
            "both": b"[" * odd + b'[{"a":' * pairs + b"0" + b"}]" * pairs + b"]" * odd}


def marked(text):
    """With the mark at the bracket of the level that is too deep."""
    opening = [at for at, byte in enumerate(text) if byte in b"[{"][DEPTH - 1]
    return text[:opening] + b"^" + text[opening:]


for levels, word in ((DEPTH // 2, "half"), (DEPTH - 2, "below"), (DEPTH - 1, "at the limit")):
    valid("depth", {f"{word}, {name}": text for name, text in nested(levels).items()}, VALUE)
for levels in (DEPTH, DEPTH + 2, 500):
    doubtful("depth", {f"{levels + 1 - DEPTH} beyond, {name}": marked(text) for name, text in nested(levels).items()}, VALUE, DEEP)
broken("depth", {"opened only": marked(b"[" * 100000), "opened only, objects": marked(b'{"a":' * 20000)}, VALUE[:-1], DEEP)
valid("depth", {"many brackets side by side": b'[%s]'.replace(b"%s", b",".join([b"[[[]]]"] * 300)),
                "deep twice": b"[" + nested(DEPTH - 2)["arrays"] + b"," + nested(DEPTH - 2)["objects"] + b"]",
                "brackets in a string": b'"' + b"[" * 500 + b'"'}, VALUE)
valid("depth", {"members below the limit": b"[~0]"}, VALUE, count=MEMBERS - 1)
valid("depth", {"members at the limit": b"[~0]", "members at the limit, in two arrays": b"[[~0],[0]]"}, VALUE, count=MEMBERS)
doubtful("depth", {"one element too many": b"[~^0]", "one too many, nested": b"[[~0],[^0]]",
                   "one member too many": b'[~0],"y":{^"a":0}'}, VALUE, MANY, count=MEMBERS + 1)
