#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpora, corpus/<target>/<what it shows>: small, and the same each time.

What the fuzzer finds goes to build/fuzz, never here. A new seed is a line in this file; regressions
are files of their own in regressions/<target>/."""
import base64
import hashlib
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from support.jsoncorpus import ROWS  # noqa: E402

SEEDS = {}
CORPUS_MAX = 1500  # bytes of a document that is worth mutating


def seed(target, name, data):
    data = data.encode() if isinstance(data, str) else data
    assert name not in SEEDS.setdefault(target, {}), (target, name)
    SEEDS[target][name] = data


def seeds(target, **texts):
    for name, data in texts.items():
        seed(target, name, data)


def head(first, *fields):
    return "\r\n".join([first, *fields, "", ""])


# ---- HTTP ----

HOST = "Host: gateway.example.org:8443"
seeds(
    "http1_request",
    get=head("GET / HTTP/1.1", HOST),
    query=head("GET /v1/p/demanager/instances?limit=10&offset=2 HTTP/1.1", HOST, "Accept: */*"),
    empty_query=head("GET /a? HTTP/1.1", HOST),
    create=head("POST /v1/0123/demanager/instances HTTP/1.1", HOST, "Content-Length: 512",
                "Content-Type: application/json;charset=utf8", "X-Auth-Token: MIIE-abc+d=="),
    chunked=head("POST /v1/p/x HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Expect: 100-continue"),
    both_framings=head("POST / HTTP/1.1", HOST, "Content-Length: 3", "Transfer-Encoding: chunked"),
    two_lengths=head("POST / HTTP/1.1", HOST, "Content-Length: 3", "Content-Length: 3"),
    length_list=head("POST / HTTP/1.1", HOST, "Content-Length: 3, 3"),
    length_huge=head("POST / HTTP/1.1", HOST, "Content-Length: 99999999999999999999"),
    length_plus=head("POST / HTTP/1.1", HOST, "Content-Length: +3"),
    coding_list=head("POST / HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked"),
    coding_tab=head("POST / HTTP/1.1", HOST, "Transfer-Encoding:\tchunked"),
    old=head("GET /a HTTP/1.0"),
    old_kept=head("GET /a HTTP/1.0", HOST, "Connection: Keep-Alive"),
    closed=head("GET /a HTTP/1.1", HOST, "Connection: close, upgrade", "Upgrade: h2c"),
    absolute=head("GET http://gateway.example.org:8443/a/b?c HTTP/1.1", HOST),
    absolute_bare=head("GET https://GATEWAY.example.org:8443 HTTP/1.1", HOST),
    absolute_other=head("GET http://evil.example.org/a HTTP/1.1", HOST),
    options=head("OPTIONS * HTTP/1.1", HOST),
    connect=head("CONNECT gateway.example.org:443 HTTP/1.1", HOST),
    fragment=head("GET /a#b HTTP/1.1", HOST),
    no_host=head("GET /a HTTP/1.1"),
    two_hosts=head("GET /a HTTP/1.1", HOST, HOST),
    ipv6_host=head("GET /a HTTP/1.1", "Host: [2001:db8::1]:443"),
    bad_port=head("GET /a HTTP/1.1", "Host: a:65536"),
    blank_before_colon=head("GET /a HTTP/1.1", "Host : a"),
    folded=head("GET /a HTTP/1.1", HOST, "X: a", " b"),
    underscore=head("GET /a HTTP/1.1", HOST, "Content_Length: 3"),
    empty_value=head("GET /a HTTP/1.1", HOST, "X:"),
    many_blanks=head("GET /a HTTP/1.1", HOST, "X: \t a b \t "),
    high_bytes=head("GET /a HTTP/1.1", HOST).encode()[:-2] + b"X: caf\xe9 \xff\r\n\r\n",
    bare_lf="GET /a HTTP/1.1\nHost: a\n\n",
    bare_cr="GET /a HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
    nul="GET /a HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    preface="PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    version_2=head("GET / HTTP/2.0", HOST),
    lower_method=head("get / HTTP/1.1", HOST),
    two_blanks=head("GET  / HTTP/1.1", HOST),
    with_body=head("POST / HTTP/1.1", HOST, "Content-Length: 5") + "hello",
    pipelined=head("GET /a HTTP/1.1", HOST) + head("GET /b HTTP/1.1", HOST),
    many_fields=head("GET / HTTP/1.1", HOST, *[f"X-{n}: {n}" for n in range(60)]),
    long_value=head("GET / HTTP/1.1", HOST, "X: " + "v" * 2000),
    cut="POST /v1/p/demanager/instances HTTP/1.1\r\nHost: a\r\nContent-Le",
)
seeds(
    "http1_response",
    ok=head("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Type: application/json") + "{}",
    created=head("HTTP/1.1 201 Created", "Transfer-Encoding: chunked"),
    no_phrase=head("HTTP/1.1 200", "Content-Length: 0"),
    empty_phrase=head("HTTP/1.1 200 ", "Content-Length: 0"),
    odd_phrase=head("HTTP/1.1 418 I'm a \tteapot"),
    no_content=head("HTTP/1.1 204 No Content"),
    no_content_length=head("HTTP/1.1 204 No Content", "Content-Length: 3"),
    not_modified=head("HTTP/1.1 304 Not Modified", "Content-Length: 300", 'ETag: "a"'),
    going_on=head("HTTP/1.1 100 Continue") + head("HTTP/1.1 200 OK", "Content-Length: 0"),
    until_close=head("HTTP/1.1 200 OK", "Server: x"),
    closing=head("HTTP/1.1 503 Service Unavailable", "Connection: close", "Content-Length: 9"),
    old=head("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 9"),
    old_chunked=head("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"),
    both_framings=head("HTTP/1.1 200 OK", "Content-Length: 3", "Transfer-Encoding: chunked"),
    two_lengths=head("HTTP/1.1 200 OK", "Content-Length: 3", "Content-Length: 4"),
    gzip=head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"),
    status_99=head("HTTP/1.1 099 x"),
    status_600=head("HTTP/1.1 600 x"),
    version_9="HTTP/0.9 200 OK\r\n\r\n",
    icy=head("ICY 200 OK", "a: b"),
    switching=head("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade"),
    cookies=head("HTTP/1.1 200 OK", "Set-Cookie: a=b", "Set-Cookie: c=d", "Content-Length: 0"),
    bare_lf="HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    nul="HTTP/1.1 200 O\0K\r\n\r\n",
)
seeds(
    "http1_chunked",
    one="5\r\nhello\r\n0\r\n\r\n",
    two="5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    none="0\r\n\r\n",
    upper="A\r\n0123456789\r\n0\r\n\r\n",
    zeros="0005\r\nhello\r\n000\r\n\r\n",
    extension='5;name=value;q="a b"\r\nhello\r\n0;last\r\n\r\n',
    trailer="1\r\na\r\n0\r\nX-Checksum: abc\r\nY:\r\n\r\n",
    behind="1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    binary=b"4\r\n\x00\r\n\xff\r\n0\r\n\r\n",
    empty_size="\r\nhello",
    negative="-1\r\n",
    prefix="0x5\r\nhello\r\n",
    blank_size=" 5\r\nhello\r\n",
    blank_behind="5 \r\nhello\r\n",
    bare_lf="5\nhello\n0\n\n",
    overflow="ffffffffffffffff\r\na",
    overflow_long="10000000000000000\r\na",
    short_data="5\r\nhell\r\n0\r\n\r\n",
    long_data="5\r\nhello!\r\n0\r\n\r\n",
    long_line="5;" + "a" * 300 + "\r\nhello\r\n",
    line_at_limit="5;" + "a" * 252 + "\r\nhello\r\n0\r\n\r\n",
    line_over_limit="5;" + "a" * 253 + "\r\nhello\r\n0\r\n\r\n",
    trailers_at_limit="0\r\na:" + "b" * 8186 + "\r\n\r\n",
    trailers_over_limit="0\r\na:" + "b" * 8187 + "\r\n\r\n",
    size_at_limit="0" * 30 + "fffffffffffffff\r\na",
    bad_trailer="0\r\n X: y\r\n\r\n",
    folded_trailer="0\r\nX: y\r\n z\r\n\r\n",
    nul_extension="5;\0\r\nhello\r\n0\r\n\r\n",
    cut="1a\r\n0123",
)

# ---- JSON ----

BODY = ('{"name":"nb-1","profile_id":"Multi-Engine 1.0 (python3)-cpu","flavor":"modelarts.vm.cpu.2u","spec":{"storage":'
        '{"type":"obs","location":{"path":"/team-bucket/nb-1/"}}%s}%s}')
JSON = {
    "empty_object": "{}",
    "empty_array": "[]",
    "blanks": " \t\r\n{ } \n",
    "nested": '{"a":1,"b":[true,false,null],"c":{"d":"e"}}',
    "integers": "[0,-0,1,-1,9223372036854775807,-9223372036854775808]",
    "integer_over": "[9223372036854775808]",
    "reals": "[0.0,-0.0,1.5,1e2,1E+2,1e-2,-1.25e10,0e400,1e308,1e-400]",
    "real_over": "[1e309]",
    "real_edge": "[1.7976931348623157e308,1.7976931348623158e308]",
    "escapes": '["\\"\\\\\\/\\b\\f\\n\\r\\t","\\u0041\\u00e9\\u20ac\\ud83d\\ude00"]',
    "escape_nul": '["\\u0000"]',
    "half_surrogate": '["\\ud83d"]',
    "other_half": '["\\ude00"]',
    "utf8": '["\u00e9\u20ac\U0001f600\x7f"]',
    "overlong": b'["\xc0\x80"]',
    "raw_surrogate": b'["\xed\xa0\x80"]',
    "raw_surrogates": b'["\xed\xbf\xbf"]',
    "next_to_surrogates": b'["\xed\x9f\xbf\xee\x80\x80"]',
    "last_point": b'["\xf4\x8f\xbf\xbf\xef\xbf\xbf\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xf0\x90\x80\x80"]',
    "overlong_3": b'["\xe0\x9f\xbf"]',
    "overlong_4": b'["\xf0\x8f\xbf\xbf"]',
    "beyond": b'["\xf4\x90\x80\x80"]',
    "bom": b"\xef\xbb\xbf{}",
    "twins": '{"a":1,"\\u0061":2}',
    "deep_twins": '{"a":[{"b":{"c":1,"c":2}}]}',
    "no_twins": '{"\\u00e9":1,"e":2,"":3}',
    "deep": "[" * 30 + "]" * 30,
    "deeper": "[" * 2048 + "]" * 2048,
    "trailing_comma": "[1,]",
    "comment": "[1/*c*/]",
    "nan": "[NaN]",
    "leading_zero": "[01]",
    "plus": "[+1]",
    "lone_point": "[1.]",
    "scalar": "1",
    "behind": "{} x",
    "two": "{}{}",
    "nul_behind_number": "[1\0]",
    "nul_behind_word": "[true\0]",
    "nul_between": "[1,\0 2]",
    "control": '["\x01"]',
    "unclosed": '{"a":["b"',
    "many_members": "{" + ",".join(f'"k{n}":{n}' for n in range(40)) + "}",
    "create": BODY % ("", ""),
}
for name, text in JSON.items():
    seed("json", name, text)
CORPUS = {row.document([(b"a", b"1")])[0]: row.category for row in ROWS}
for document, category in CORPUS.items():
    if len(document) <= CORPUS_MAX:
        seed("json", f"{category}_{hashlib.sha256(document).hexdigest()[:8]}", document)

EDITS = {  # kind and text, place, name
    "replace_root": b"\x0c\x00\x00\x00",
    "replace_child": b"\x00\x00\x01\x00",
    "replace_two": b"\x02\x00\x01\x00\x04\x00\x02\x00",
    "append": b"\x01\x00\x00\x02",
    "append_two": b"\x01\x00\x00\x02\x03\x00\x00\x08",
    "append_twin": b"\x01\x00\x00\x00\x03\x00\x00\x00",
    "append_and_replace": b"\x01\x00\x00\x02\x10\x00\x01\x00",
    "overlap": b"\x02\x00\x03\x00\x04\x00\x04\x00",
    "same_twice": b"\x02\x00\x01\x00\x04\x00\x01\x00",
    "nowhere": b"\x02\xff\xff\x00",
    "names": b"".join(b"\x01\x00\x00" + bytes([n]) for n in range(3, 10)),
}
DOCUMENTS = ['{"a":1,"b":[true,null],"c":{"d":"e"}}', "{}", ' { "a" : { } , "x" : [ ] } \n', BODY % ("", "")]
for name, edits in EDITS.items():
    for number, document in enumerate(DOCUMENTS):
        seed("json_splice", f"{name}_{number}", document.encode() + b"\0" + edits)

# ---- judged calls: the operation's number (calls.c), query, body and stored instance ----

CREATE, UPDATE, START, NB_CREATE, NB_UPDATE, NB_START, NB_LEASE, NB_MOUNT, NB_START_GET = range(9)


def call(operation, body="", query="", answer=""):
    return bytes([operation]) + "\0".join([query, body, answer]).encode()


BODIES = {
    "plain": BODY % ("", ""),
    "stop": BODY % (',"auto_stop":{"enable":true,"duration":3600}', ""),
    "stop_long": BODY % (',"auto_stop":{"enable":true,"duration":360000,"prompt":true}', ""),
    "stop_off": BODY % (',"auto_stop":{"enable":false}', ""),
    "stop_null": BODY % (',"auto_stop":null', ""),
    "stop_empty": BODY % (',"auto_stop":{}', ""),
    "stop_misplaced": BODY % ("", ',"auto_stop":{"enable":true,"duration":90000}'),
    "stop_twice": BODY % (',"auto_stop":{"enable":true,"duration":60}', ',"auto_stop":{"duration":60,"enable":true}'),
    "stop_differs": BODY % (',"auto_stop":{"enable":true,"duration":60}', ',"auto_stop":{"enable":true,"duration":61}'),
    "stop_text": BODY % (',"auto_stop":{"enable":"true","duration":"60"}', ""),
    "labels": BODY % (',"annotations":{"owner":"alice","cost-centre":"1","a":"\\u00e9"}', ""),
    "labels_null": BODY % (',"annotations":{"owner":null,"k":"v"}', ',"annotations":null'),
    "labels_misplaced": BODY % ("", ',"annotations":{"cost-centre":"1"}'),
    "labels_twice": BODY % (',"annotations":{"a":"1"}', ',"annotations":{"a":"1","b":"2"}'),
    "labels_differ": BODY % (',"annotations":{"a":"1"}', ',"annotations":{"a":"2"}'),
    "pool": BODY % ("", ',"pool":{"id":"pool-a","type":"t","name":"n","owner":{"project_id":"q"}}'),
    "pool_empty": BODY % ("", ',"pool":{}'),
    "workspace": BODY % ("", ',"workspace":{"id":"0"},"ai_project":{"id":"a"},"description":"d"'),
    "workspace_null": BODY % ("", ',"workspace":null'),
    "more_storage": BODY % (',"extend_storage":[{"type":"evs","location":{"volume_size":100}},{"type":"obsfs","location":'
                            '{"path":"team-files","mount_path":"/m","access_modes":"ReadOnlyMany"}}]', ""),
    "stray_storage": BODY % (',"extended_storage":{"type":"obsfs","location":{"path":"team-files"}}', ""),
    "stray_list": BODY % (',"extended_storage":[{"type":"obs","location":{"path":"/b2b/c/"}}]', ""),
    "unknown": BODY % (',"color":"red"', ""),
    "lookalike": BODY % ("", ',"Auto_Stop":{"enable":true}'),
    "cyrillic": BODY % ("", ',"fl\u0430vor":"x"'),
    "known_elsewhere": BODY % (',"flavor":"x"', ""),
    "custom_spec": BODY % ("", ',"custom_spec":{"cpu":1}'),
    "escaped_names": '{"n\\u0061me":"team-a-1","\\u0073pec":{"auto_st\\u006fp":{"enable":true,"duration":1}}}',
    "only_spec": '{"spec":{}}',
    "no_spec": '{"name":"x"}',
    "nulls": '{"name":null,"flavor":null,"spec":{"storage":null},"workspace":{"id":null}}',
    "list": "[]",
    "blanks": '\n{ "name" : "team-a" ,\n  "flavor":"modelarts.vm.gpu.v100", "spec" : { } \n}\n',
    "path_escape": (BODY % ("", "")).replace("/nb-1/", "/nb%2f1/"),
    "path_dots": (BODY % ("", "")).replace("/nb-1/", "/../x/"),
    "documented": '{\n  "name": "notebook-d115",\n  "description": "",\n  "profile_id": "Ascend-Power-Engine 1.0(python3)",\n'
                  '  "flavor": "modelarts.kat1.xlarge",\n  "spec": {\n    "storage": {\n      "location": {"path": '
                  '"/aaaaaaaaa/output/"},\n      "type": "obs"\n    },\n    "auto_stop": {"enable": true, "duration": 3600}\n  },\n'
                  '  "workspace": {"id": "0"}\n}\n',
}
STORED = ('{"id":"i-1","name":"team-a","flavor":"modelarts.vm.cpu.2u","profile":{"id":"Multi-Engine 1.0 (python3)-cpu"},"spec":'
          '{"storage":{"type":"obs","location":{"path":"/team-a/nb-1/"}},"auto_stop":%s},"workspace":{"id":"0"},"pool":null}')
NB_STORED = ('{"id":"i-1","name":"team-a","flavor":"%s","image":{"id":"x"},"volume":{"category":"EVS","capacity":50},"data_volumes":'
             '[{"category":"OBSFS","uri":"obs://team-a/x/"}],"endpoints":[{"service":"SSH","allowed_access_ips":["192.0.2.1"]}],'
             '"pool":{"id":"pool-a"},"workspace_id":"0","lease":{"create_at":1767329000000,"duration":-1}}')
NOTEBOOK = ('{"name":"team-a","flavor":"modelarts.vm.cpu.2u","image_id":"e1a07296-22a8-4f05-8bc8-e936c8e54090","feature":"NOTEBOOK",'
            '"volume":{"category":"EVS","ownership":"MANAGED","capacity":50}%s}')
CALLS = {
    "update": call(UPDATE, '{"spec":{"auto_stop":{"enable":false}}}'),
    "update_duration": call(UPDATE, '{"spec":{"auto_stop":{"duration":90000}}}'),
    "update_no_spec": call(UPDATE, '{"description":"d"}', "a=b"),
    "update_null_spec": call(UPDATE, '{"spec":null,"annotations":{"k":"v"}}'),
    "update_misplaced": call(UPDATE, '{"auto_stop":{"enable":false},"description":"d"}'),
    "update_twice": call(UPDATE, '{"auto_stop":{"duration":5},"spec":{"auto_stop":{"duration":5}}}'),
    "update_differs": call(UPDATE, '{"auto_stop":{"duration":5},"spec":{"auto_stop":{"duration":5,"enable":true}}}'),
    "update_huge": call(UPDATE, '{"auto_stop":{"duration":9223372036854775807}}'),
    "update_flavor": call(UPDATE, '{"flavor":"modelarts.vm.gpu.v100","pool":{},"spec":{"extend_storage":[{"type":"evs"}]}}'),
    "start": call(START, '{"action":"start"}', "", STORED % '{"enable":true,"duration":3600}'),
    "start_never": call(START, '{"action":"restart"}', "", STORED % "null"),
    "start_disk": call(START, "{}", "", '{"id":"i-1","spec":{"storage":{"type":"evs","location":{"path":"/home/ma-user/work"}}}}'),
    "start_other": call(START, "{}", "", '{"id":"i-2"}'),
    "start_wrong": call(START, "{}", "", STORED % '{"enable":1}'),
    "nb_create": call(NB_CREATE, NOTEBOOK % ""),
    "nb_never": call(NB_CREATE, NOTEBOOK % ',"duration":-1'),
    "nb_lease": call(NB_CREATE, NOTEBOOK % ',"lease":{"type":"TIMING","duration":3600000}'),
    "nb_lease_empty": call(NB_CREATE, NOTEBOOK % ',"lease":{}'),
    "nb_both": call(NB_CREATE, NOTEBOOK % ',"duration":7200000,"lease":{"duration":-1,"type":"idle"}'),
    "nb_nulls": call(NB_CREATE, NOTEBOOK % ',"duration":null,"lease":null,"pool_id":null,"hooks":null,"custom_spec":null'),
    "nb_text": call(NB_CREATE, NOTEBOOK % ',"duration":"3600000"'),
    "nb_other_family": call(NB_CREATE, NOTEBOOK % ',"auto_stop":{"enable":true}'),
    "nb_lookalike": call(NB_CREATE, NOTEBOOK % ',"poolId":"x"'),
    "nb_growth": call(NB_CREATE, NOTEBOOK % ',"storage_new_size":9'),
    "nb_pool": call(NB_CREATE, NOTEBOOK % ',"pool_id":"pool-a","workspace_id":"w","custom_spec":{"cpu":0.4,"memory":1024,"gpu":1,'
                    '"gpu_type":"g","arch":"X86_64","category":"GPU","resource_flavor":"f"}'),
    "nb_volumes": call(NB_CREATE, NOTEBOOK % ',"data_volumes":[{"category":"OBS","uri":"obs://team-a/x/","mount_path":"/data/x",'
                       '"read_only":true,"dew_secret_name":"s"},{"category":"efs","uri":"192.0.2.1:/","id":"x"}]'),
    "nb_endpoints": call(NB_CREATE, NOTEBOOK % ',"endpoints":[{"service":"SSH","key_pair_names":["k"],"allowed_access_ips":["1"]},'
                         '{"service":"notebook"},{}]'),
    "nb_hooks": call(NB_CREATE, NOTEBOOK % ',"hooks":{"container_hooks":{"pre_start":{"type":"SCRIPT","script":"x"},"post_start":{}}}'),
    "nb_rest": call(NB_CREATE, NOTEBOOK % ',"description":"d","affinity":{"flavor":[]},"run_user":{"uid":1,"gid":2},"user_vpc":{'
                    '"vpc_id":"v","subnet_id":"s","security_group_ids":["g"],"connect_cidrs":[]}'),
    "nb_update": call(NB_UPDATE, '{"flavor":"modelarts.vm.gpu.v100","storage_new_size":4096,"image_id":"x"}', "a&&b"),
    "nb_update_stop": call(NB_UPDATE, '{"l\\u0065ase":{"dur\\u0061tion":-1}}'),
    "nb_start": call(NB_START, "", "duration=-1", NB_STORED % "modelarts.vm.cpu.2u"),
    "nb_start_typed": call(NB_START, "{}", "type=IDLE&duration=7200000", NB_STORED % "modelarts.vm.cpu.2u"),
    "nb_start_custom": call(NB_START, "", "", NB_STORED % "custom.flavor.spec.code"),
    "nb_start_body": call(NB_START, '{"duration":-1}', "", NB_STORED % "x"),
    "nb_start_joined": call(NB_START, "", "duration=-1type=X", NB_STORED % "x"),
    "nb_start_twice": call(NB_START, "", "duration=1&duration=2", NB_STORED % "x"),
    "nb_start_get": call(NB_START_GET, "", "duration=3600000", NB_STORED % "x"),
    "nb_start_get_body": call(NB_START_GET, "{}", "", NB_STORED % "x"),
    "nb_lease_query": call(NB_LEASE, "", "duration=-1", NB_STORED % "x"),
    "nb_lease_body": call(NB_LEASE, '{"duration":7200000,"type":"IDLE"}', "", NB_STORED % "x"),
    "nb_lease_both": call(NB_LEASE, '{"duration":9}', "type=IDLE&duration=9", NB_STORED % "x"),
    "nb_lease_differs": call(NB_LEASE, '{"duration":9}', "duration=8", NB_STORED % "x"),
    "nb_lease_unknown": call(NB_LEASE, '{"duration":9}', "", '{"id":"i-1","lease":{}}'),
    "nb_mount": call(NB_MOUNT, '{"category":"OBS","mount_path":"/data/x","uri":"obs://team-a/x/"}'),
    "nb_mount_dots": call(NB_MOUNT, '{"category":"OBS","uri":"obs://team-a/../x/"}'),
}
CALLS.update((name, call(CREATE, text)) for name, text in BODIES.items())
for name, text in CALLS.items():
    seed("body", name, text)
for name, text in BODIES.items():
    seed("policy_judge", name, text)

# Of the other operations: bodies, and for a start the instance as it is stored.
seeds(
    "policy_judge",
    update_duration='{"spec":{"auto_stop":{"duration":7200}}}',
    update_on='{"spec":{"auto_stop":{"enable":true}}}',
    update_off='{"description":"d","auto_stop":{"enable":false}}',
    stored='{"id":"i-1","flavor":"modelarts.vm.cpu.2u","spec":{"storage":{"type":"obs","location":{"path":"/team-a/x/"}},'
           '"auto_stop":{"enable":true,"duration":90000}},"workspace":{"id":"0"}}',
    notebook='{"name":"nb_1","flavor":"modelarts.vm.cpu.2u","image_id":"i","workspace_id":"0","volume":{"category":"EVS",'
             '"ownership":"MANAGED","capacity":50},"lease":{"type":"TIMING","duration":3600000}}',
    notebook_open='{"name":"nb_1","flavor":"modelarts.vm.cpu.2u","image_id":"i","volume":{"category":"evs","ownership":"managed"},'
                  '"duration":-1,"endpoints":[{"service":"SSH","allowed_access_ips":["10.1.2.3","192.0.2.1"]},{"service":"SSH"}],'
                  '"hooks":{"container_hooks":{"post_start":{"type":"SCRIPT","script":"/x"}}}}',
    notebook_grows='{"flavor":"modelarts.vm.gpu.v100","storage_new_size":200,"custom_spec":{"cpu":1}}',
    notebook_stored='{"id":"i-1","flavor":"custom.flavor.spec.code","image":{"id":"i"},"workspace_id":"0","volume":{"category":"EVS",'
                    '"ownership":"MANAGED","capacity":50},"lease":{"create_at":7200000,"duration":3600000,"enable":true}}',
    lease='{"duration":7200000,"type":"IDLE"}',
    mount='{"category":"OBS","mount_path":"/data/x","uri":"obs://team-a/x/"}',
)

# ---- YAML and policies ----

seeds(
    "yaml",
    empty="",
    only_comment="# nothing\n",
    flat="name: a\nnumber: 5\ntruth: true\ninner: {size: 4KB}\n",
    all="name: x\nshort_text: abc\ntruth: false\nnumber: -10\nword_number: auto\nduration: 90m\nsize: 1GB\nword: cap\n"
        'list: [a, "b c", \'d\']\npairs: {k: v, "k 2": "v"}\ninner: {text: t, size: 1MB}\nnode: [1, {a: b}]\n',
    block="list:\n  - a\n  - b\npairs:\n  k: v\n",
    quoted='name: "a\\tb\\u00e9\\n"\nlist: ["", " ", "true", "~", "1", "a: b", "# c"]\n',
    literal="name: |\n  two\n  lines\nlist:\n  - >-\n    folded\n    text\n",
    name_twice="name: a\nname: {pattern: b}\n",
    nulls="name: ~\ntruth: null\nlist:\n",
    twins="number: 1\nnumber: 2\n",
    anchor="name: &a x\nlist: [*a]\n",
    tag="name: !!str x\n",
    merge="<<: {a: b}\n",
    two_documents="name: a\n---\nname: b\n",
    unknown="nmae: a\n",
    wrong_kinds="name: [a]\ntruth: yes\nnumber: 1.5\nduration: 5\nsize: 5 MB\nword: nothing\nlist: a\npairs: [a]\ninner: a\n",
    out_of_range="number: 1001\nword_number: 10\nshort_text: much too long\n",
    deep="node: " + "[" * 12 + "]" * 12 + "\n",
    deepest="node: [[[[pairs: [truth: ]]]]]\n",
    tab="name:\ta\n\tlist: []\n",
    crlf="name: a\r\nlist:\r\n  - b\r\n",
    other_breaks="name: a\u0085number: 1\u2028truth: true\u2029",
    bom="\ufeffname: a\n",
    bad_utf8=b"name: \xff\xfe\n",
    control=b"name: a\x01b\n",
    complex_key="? [a, b]\n: c\n",
    unclosed="list: [a, b\n",
    directive="%YAML 1.2\n---\nname: a\n...\n",
    utf16="\ufeffname: a\n".encode("utf-16-le"),
)
BASE = (HERE / "../../policies/base.yaml").read_text()
POLICY = "version: 1\npolicies:\n"
seeds(
    "policy_load",
    empty="",
    base=BASE,
    base_and_team=BASE + "\0" + (HERE / "../../policies/examples/teams.yaml").read_text(),
    base_and_exceptions=BASE + "\0" + (HERE / "../../policies/examples/exceptions.yaml").read_text(),
    minimal=POLICY + "  - {name: everybody}\n",
    default_allow="version: 1\ndefault: allow\n",
    match=POLICY + "  - name: m\n    match: {projects: ['0*'], users: [alice, 'svc-*'], user_ids: [u-1], domains: [acme], roles: "
                   "[te_admin], groups: [team-a], operations: [create, demanager.create], families: [demanager]}\n",
    lists=POLICY + "  - name: l\n    flavors: {allow: ['*cpu*'], deny: ['*.8u']}\n    profiles: {allow: ['*']}\n    images: {allow: []}\n"
                   "    workspaces: {allow: ['0']}\n    pools: {allow: [pool-a], public: true}\n    custom_spec: allow\n",
    storage=POLICY + "  - name: s\n    storage: {types: [obs, evs], obs_prefixes: [/team-a, '/s-x/${user.name}/', '/p-${project.id}'], "
                     "max_size_gb: 100}\n",
    bad_prefix=POLICY + "  - {name: s, storage: {obs_prefixes: [team, '/a/../b', '/bucket/${user.nme}', '/b%2f/']}}\n",
    stop=POLICY + "  - name: s\n    auto_stop: {required: true, on_missing: refuse, default: 1h, min: 30m, max: 4h, over_max: refuse}\n",
    stop_outside=POLICY + "  - {name: s, auto_stop: {default: 5h, min: 1h, max: 4h}}\n",
    stop_types=POLICY + "  - {name: s, auto_stop: {max: 4h, types: [timing, idle]}}\n",
    bad_stop_types=POLICY + "  - {name: s, auto_stop: {types: [idel]}}\n",
    access=POLICY + "  - name: n\n    hooks: refuse\n    allowed_access_ips: {allow: [10.0.0.0/8, '2001:db8::/32', 192.0.2.7], required: "
                    "false}\nexceptions:\n  - {name: x, policy: n, match: {users: [alice]}, allow: {allowed_access_ips: [0.0.0.0/0]}, "
                    "expires: 2099-12-31}\n",
    bad_access=POLICY + "  - {name: n, hooks: deny, allowed_access_ips: {allow: [10.0.0.1/8, 010.0.0.0/8, '::ffff:1.2.3.4', x]}}\n",
    stop_conflict=POLICY + "  - {name: a, auto_stop: {max: 1h}}\n  - {name: b, auto_stop: {min: 2h}}\n",
    labels=POLICY + "  - {name: a, annotations: {set: {cost-centre: '4711', k: v}, require: [owner]}}\n",
    labels_conflict=POLICY + "  - {name: a, annotations: {set: {k: v}}}\n  - {name: b, annotations: {set: {k: w}}}\n",
    pattern=POLICY + "  - name: p\n    name: {pattern: 'team-[a-z]+(-[[:alnum:]]{1,8})*|x'}\n",
    bad_pattern=POLICY + "  - name: p\n    name: {pattern: '(a'}\n",
    modes=POLICY + "  - {name: e}\n  - {name: w, mode: warn, flavors: {allow: [a]}}\n  - {name: o, mode: observe, auto_stop: "
                   "{required: true, default: 1h}}\n",
    exceptions=POLICY + "  - {name: a, flavors: {allow: ['*cpu*']}, auto_stop: {max: 1h}}\nexceptions:\n  - name: x\n    policy: a\n"
                        "    match: {users: [alice]}\n    allow: {flavors: ['*gpu*']}\n    lift: [auto_stop]\n    reason: r\n"
                        "    approved_by: bob\n    expires: 2099-12-31\n",
    exception_expired=POLICY + "  - {name: a}\nexceptions:\n  - {name: x, policy: a, match: {users: [alice]}, lift: ['*'], expires: "
                               "1969-12-31}\n",
    exception_of_nobody=POLICY + "exceptions:\n  - {name: x, policy: b, match: {}, expires: tomorrow}\n",
    quotas=POLICY + "  - {name: a, quotas: [{name: q, limit: 1}]}\n",
    quotas_all="version: 1\nweights: {price: {'*gpu*': 3.2, '*': 0.5}}\npolicies:\n  - name: a\n    quotas:\n"
               "      - {name: q, limit: 2, per: [project, user, domain], flavors: ['*gpu*', x], counts: running}\n"
               "      - {name: r, limit: 0, per: [workspace, pool], families: [demanager], pools: [p], workspaces: ['0']}\n"
               "      - {name: s, hours: 500, window: 30d, weight: price}\nexceptions:\n"
               "  - {name: x, policy: a, match: {users: [alice]}, lift: [quotas], expires: 2099-12-31}\n",
    quotas_bad="version: 1\nweights: {w: {a: 1.2345, b: -1}, w2: [], '': {'*': 1e3}}\npolicies:\n"
               "  - {name: a, quotas: [{name: q}, {name: q, limit: 1, hours: 1}, {hours: 1, window: 1m, weight: v}, x, "
               "{name: r, limit: -1, per: [usr], flavors: [], families: [x], counts: all, window: 1d}]}\n"
               "  - {name: b, match: {operations: [mount]}, quotas: [{name: t, limit: 1}]}\n",
    unknown=POLICY + "  - {name: a, flavours: {allow: [a]}}\n",
    unknown_operation=POLICY + "  - {name: a, match: {operations: [creat]}}\n",
    same_names=POLICY + "  - {name: a}\n  - {name: a}\n",
    three="version: 1\n\0version: 1\npolicies: [{name: a}]\n\0version: 1\npolicies: [{name: b, mode: warn}]\n",
    version_2="version: 2\n",
    defaults_differ="version: 1\ndefault: allow\n\0version: 1\ndefault: refuse\n",
    not_yaml="{{{{",
)

# ---- journal ----

TIME = '"time":"2026-01-02T03:04:05.123456Z",'


def member_line(event, more=""):
    return TIME + '"event":"' + event + '"' + more + "}\n"


CHECKPOINT = member_line("checkpoint", ',"open":[]')
INTENT = member_line("intent", ',"id":"%s","operation":"demanager.create","class":"create","method":"POST","path":"/v1/p/demanager/'
                               'instances","project":"p","user":{"id":"u","name":"alice"},"decision":"allow"')
OUTCOME = member_line("outcome", ',"id":"%s","operation":"demanager.create","class":"create","instance":{"id":"i-%s"},"outcome":"%s"')
OPEN = ('{"id":"o1","time":"2026-01-01T00:00:00.000000Z","project":"p","state":"reserved"},{"id":"o2","state":"unknown"},'
        '{"id":"o3","instance":{"id":"i-3","name":"n","flavor":"f","auto_stop_s":60},"state":"existing"}')
OPEN_NOW = ('{"id":"n1","time":"2026-01-01T00:00:00.000000Z","project":"p","instance":{"id":"i-1","flavor":"f","auto_stop_s":60},'
            '"state":"existing","operation":"demanager.create"},'
            '{"id":"n2","time":"2026-01-01T00:00:00.000000Z","instance":{"id":"i-1","auto_stop_s":60},"state":"spent",'
            '"operation":"notebooks.start"},'
            '{"id":"n3","instance":{"id":"i-3"},"state":"existing","operation":"notebooks.create","orphan":true},'
            '{"id":"n4","instance":{"id":"i-1","flavor":"g"},"state":"unknown","operation":"demanager.update"}')
SETTLED = member_line("settled", ',"id":"%s","instance":{"id":"i-1"%s},"outcome":"%s"')
ZERO = "0" * 64
seeds(
    "journal_recovery",
    nothing="",
    checkpoint=CHECKPOINT,
    start=CHECKPOINT + member_line("start", ',"durability":"sync"'),
    open_intent=CHECKPOINT + INTENT % "a",
    created=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "a", "created"),
    failed=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "a", "failed"),
    unknown=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "a", "unknown"),
    settled=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "a", "unknown") +
            member_line("settled", ',"id":"a","instance":{"id":"i-a"},"outcome":"created"'),
    deleted=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "a", "created") +
            member_line("outcome", ',"id":"b","operation":"demanager.delete","class":"release","instance":{"id":"i-a"},"status":202,'
                                   '"outcome":"done"'),
    orphan=CHECKPOINT + member_line("orphan", ',"id":"x","instance":{"id":"i-x"}'),
    refusal=CHECKPOINT + member_line("refusal", ',"id":"r","count":12'),
    later_event=CHECKPOINT + member_line("something_new", ',"id":"r"'),
    carried=member_line("checkpoint", ',"open":[' + OPEN + "]") + OUTCOME % ("o1", "o1", "created"),
    carried_now=member_line("checkpoint", ',"open":[' + OPEN_NOW + "]") + SETTLED % ("n1", ',"flavor":"h"', "created") +
                SETTLED % ("n4", "", "done") + SETTLED % ("n3", "", "done") + SETTLED % ("n1", "", "done"),
    carried_odd=member_line("checkpoint", ',"open":[{"id":"a","time":7,"state":"spent","operation":"x","orphan":1,"instance":[]}]'),
    settled_unnamed=CHECKPOINT + SETTLED.replace('"id":"%s",', "", 1) % (',"flavor":"f"', "created"),
    carried_bad=member_line("checkpoint", ',"open":[{"id":"a","state":"odd"}]'),
    carried_missing=member_line("checkpoint"),
    torn=CHECKPOINT + INTENT % "a" + '{"v":1,"seq":3,"pre',
    torn_first='{"v":1,"seq":1',
    no_checkpoint=INTENT % "a",
    empty_line=CHECKPOINT + "\n" + INTENT % "a",
    raw_first='{"v":1,"seq":1,"prev":"' + ZERO + '",' + CHECKPOINT,
    raw_seq='{"v":1,"seq":7,"prev":"' + ZERO + '",' + CHECKPOINT,
    raw_prev=CHECKPOINT + '{"v":1,"seq":2,"prev":"' + ZERO + '",' + member_line("start"),
    raw_version='{"v":2,"seq":1,"prev":"' + ZERO + '",' + CHECKPOINT,
    raw_twins='{"v":1,"v":1,"seq":1,"prev":"' + ZERO + '",' + CHECKPOINT,
    raw_order=CHECKPOINT.rstrip("}\n").replace(TIME, '{"prev":"' + ZERO + '",' + TIME) + ',"seq":1,"v":1}\n',
    raw_huge='{"v":1,"seq":9223372036854775807,"prev":"' + ZERO + '",' + CHECKPOINT,
    not_json=CHECKPOINT + "{nonsense\n" + INTENT % "a",
    nul=CHECKPOINT + "{\0}\n",
    two_segments=CHECKPOINT + INTENT % "a" + "\x1e" + member_line("checkpoint", ',"open":[{"id":"a","state":"reserved"}]'),
    empty_last=CHECKPOINT + INTENT % "a" + "\x1e",
    empty_only="\x1e",
    torn_then_empty=CHECKPOINT + '{"v":1\x1e',
    torn_twice=CHECKPOINT + '{"v":1\x1e{"v":1',
    damaged_before="{}\n\x1e" + CHECKPOINT + INTENT % "b",
    same_intent_twice=CHECKPOINT + INTENT % "a" + INTENT % "a",
    outcome_twice=CHECKPOINT + INTENT % "a" + (OUTCOME % ("a", "a", "created")) * 2,
    outcome_alone=CHECKPOINT + OUTCOME % ("z", "z", "created"),
    same_instance=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "x", "created") + INTENT % "b" + OUTCOME % ("b", "x", "created"),
    long_id=CHECKPOINT + INTENT % ("a" * 200) + OUTCOME % ("a" * 200, "b" * 200, "created"),
    odd_id=CHECKPOINT + INTENT % '\\u0000\\n\\ud83d\\ude00"'.replace('"', '\\"'),
)
SEAL = member_line("seal", ',"head":"' + ZERO + '","key":"0","signature":"' + ZERO + ZERO + '"')
RAW = '{"v":1,"seq":%d,"prev":"' + ZERO + '",'
seeds(
    "verify",
    nothing="",
    start=CHECKPOINT + member_line("start"),
    pair=CHECKPOINT + INTENT % "a" + OUTCOME % ("a", "a", "created"),
    outcome_twice=CHECKPOINT + INTENT % "a" + (OUTCOME % ("a", "a", "created")) * 2,
    intent_twice=CHECKPOINT + INTENT % "a" + INTENT % "a",
    open_at_start=CHECKPOINT + INTENT % "a" + member_line("start"),
    carried=CHECKPOINT + INTENT % "a" + "\x1e" + member_line("checkpoint", ',"open":[{"id":"a","state":"reserved"}]'),
    carried_not=CHECKPOINT + INTENT % "a" + "\x1e" + CHECKPOINT,
    carried_strange=CHECKPOINT + "\x1e" + member_line("checkpoint", ',"open":[{"id":"b","state":"reserved"}]'),
    seal=CHECKPOINT + SEAL,
    dropped=CHECKPOINT + RAW % 4 + member_line("start"),
    swapped=CHECKPOINT + RAW % 3 + member_line("start") + RAW % 2 + member_line("start") + RAW % 4 + member_line("stop"),
    inserted=CHECKPOINT + member_line("start") * 3 + RAW % 2 + member_line("start") + member_line("stop"),
    far=CHECKPOINT + RAW % 900 + member_line("start") + (RAW % 2 + member_line("start")) + RAW % 3 + member_line("stop"),
    noise=CHECKPOINT + "{}\n" + member_line("stop"),
    torn=CHECKPOINT + '{"v":1,"se',
    torn_within=CHECKPOINT + '{"v":1,"se\x1e' + CHECKPOINT,
    replayed=CHECKPOINT + member_line("start") + "\x1e" + RAW % 1 + CHECKPOINT,
    within=CHECKPOINT + CHECKPOINT,
    no_list=member_line("checkpoint"),
    huge=RAW % 9223372036854775807 + CHECKPOINT,
    witness=CHECKPOINT + member_line("start") + "\x1f" + RAW % 2 + SEAL + "noise\n" + RAW % 9 + SEAL + "{",
)

# ---- small languages ----

seeds(
    "listing",
    demanager='{"total_count":2,"instances":[{"id":"DE-1","name":"nb-1","flavor":"modelarts.vm.cpu.2u","status":"RUNNING",'
              '"creation_timestamp":"1767323045000","workspace":{"id":"0"},"pool":{"id":"p","type":"USER_DEFINED"},'
              '"user":{"id":"u","name":"alice"}},{"id":"DE-2","status":"STOPPED","pool":{"id":"s","type":"SYSTEM_DEFINED"}}]}',
    notebooks='{"current":0,"data":[{"id":"n1","name":"a","flavor":"custom.flavor.spec.code","status":"CREATE_FAILED",'
              '"create_at":1767323045000,"workspace_id":"0","pool":{"id":"p"},"user":{"id":"u","name":"n",'
              '"domain":{"id":"d","name":"d"}}}],"pages":1,"size":10,"total":1}',
    workspaces='{"total_count":1,"count":1,"workspaces":[{"id":"0","name":"default"},{"id":"w\\u0031"}]}',
    one='{"id":"DE-1","status":"DELETED","creation_timestamp":"-1"}',
    wrong='{"data":[{"id":"","status":"RUNNING"}],"total":-1}',
    empty='{"instances":[],"total_count":null}',
)
seeds(
    "obs",
    path="/team-bucket/a/b/\n/team-bucket/a",
    prefix_root="/team-bucket/a/\n/team-bucket/",
    not_segment="/team-bucket/team-ab/\n/team-bucket/team-a",
    equal="/team-bucket/a/\n/team-bucket/a/",
    deeper="/team-bucket/a/\n/team-bucket/a/b",
    root="/team-bucket/\n/team-bucket",
    uri="obs://team-bucket/a/b\n/team-bucket/a/",
    uri_root="obs://team-bucket",
    bucket="team-files\n/team-files",
    no_end="/team-bucket/a",
    blanks="/team-bucket/my data 100%/\n/team-bucket/my data 100%",
    letters="/team-bucket/\u00e4\u00f6\u4e2d\u6587/\n/team-bucket/\u00e4\u00f6\u4e2d\u6587/",
    escape="/team-bucket/%2e%2e/",
    lone_percent="/team-bucket/%2/%/%zz/\n/team-bucket/%2",
    dots="/team-bucket/../x/",
    dot="/team-bucket/./x/",
    three_dots="/team-bucket/.../x/\n/team-bucket/...",
    empty_segment="/team-bucket//x/",
    backslash="/team-bucket/a\\b/",
    zero_width="/team-bucket/a\u200bb/",
    bidirectional="/team-bucket/a\u202eb/",
    fullwidth_slash="/team-bucket/a\uff0fb/",
    one_dot_leader="/team-bucket/\u2024\u2024/",
    overlong=b"/team-bucket/\xc0\xae/",
    control="/team-bucket/a\x7fb/",
    address="/192.168.0.1/a/",
    bad_bucket="/Team_Bucket/a/",
    bucket_dots="/a..b/c/",
    bucket_dashes="/a--b/c/\n/a--b",
    long="/team-bucket/" + "a/" * 505,
    too_long="/team-bucket/" + "a/" * 506,
    empty="",
)
ERES = {
    "plain": ("team-a", "team-a", "team-b", ""),
    "class": ("team-[a-z0-9-]+", "team-a", "team-", "team-A"),
    "alternatives": ("(ab|cd)+|x", "abcd", "x", "abx"),
    "star": ("a*b*", "", "aab", "ba"),
    "nested_star": ("(a*)*", "aaaa", "b"),
    "nested_plus": ("((a+)+)+b", "aaaaaaaaaaaaaaaaaaaaaaaa", "ab"),
    "bounds": ("a{2,4}b{3}c{0,1}d{2,}", "aabbbdd", "aaaabbbcddd", "abbbdd"),
    "bounds_zero": ("a{0}b", "b", "ab"),
    "optional": ("(a?b)?c", "c", "bc", "abc", "ac"),
    "anchors": ("^a$|^$", "a", "", "aa"),
    "anchor_inside": ("a^b|a$b|(^a)b", "ab", "a"),
    "any": ("a.c", "abc", "a\xffc", "ac"),
    "bracket_first": ("[]a]+", "]a]", "b"),
    "bracket_not": ("[^]a]+", "b", "]"),
    "bracket_dash": ("[a-]+|[-z]+", "a-", "-z"),
    "named": ("[[:alpha:]_]{1,3}[[:digit:][:space:]]", "ab1", "_ ", "1"),
    "escapes": ("\\.\\*\\(\\)\\[\\]\\{\\}\\\\\\|\\^\\$", ".*()[]{}\\|^$", "x"),
    "many_repeats": ("(a{1,20}){1,10}", "a" * 60, ""),
    "group_optional": ("(a|b?){3}", "aba", "ab", "aaaa"),
    "empty_alternative": ("a||b", "a"),
    "unclosed": ("(a", "a"),
    "double_repeat": ("a**", "a"),
    "back_reference": ("(a)\\1", "aa"),
    "bad_escape": ("\\d", "1"),
    "bad_range": ("[z-a]", "a"),
    "bad_bound": ("a{3,2}", "aaa"),
    "big_bound": ("a{256}", "a"),
    "groups": ("(" * 30 + "a" + ")" * 30, "a", ""),
    "deep": ("(" * 33 + "a" + ")" * 33, "a"),
    "too_large": ("((a{255}){255})", "a"),
}
for name, parts in ERES.items():
    seed("ere", name, "\n".join(parts).encode("latin-1"))
seeds(
    "globset",
    exact="modelarts.vm.cpu.2u\nmodelarts.vm.cpu.2u\nother",
    star="modelarts.vm.cpu.2u\nmodelarts.vm.*\n*gpu*",
    only_star="x\n*",
    empty_entry="\n\n*",
    none="x",
    two_stars="a/b/c\n**\na**c",
    middle="abcabc\na*c*bc\na*bca",
    overlap="aaaa\na*aa*a\naaaaa*",
    below="/team-a/x/y\n/team-a/\n/other/",
    below_star="/team-a/x/y\n/team-*/",
    below_exact="/team-a\n/team-a",
    slashes="//a//\n*//\n/",
    binary=b"\x00\xff\n\x00*\n*\xff",
    no_star_fits="ab\na*c\n*d\nb*",
    prefixes="abcd\na*\nab*\nabc*\nabcd*\nabcde*",
    suffixes="abcd\n*d\n*cd\n*bcd\n*abcd\n*xabcd",
    many="zzz9\n" + "\n".join(f"k{n}*x{n}" for n in range(40)) + "\nz*9",
    starry="a" * 40 + "\n" + "*a" * 16 + "\n" + "*a" * 15 + "b",
    same="a*\na*\na*\na",
    star_in_value="a*b\na*b\n*\\*",
)

ROUTES = {
    "create": "POST /v1/0123/demanager/instances",
    "get": "GET /v1/0123/demanager/instances/i-1",
    "head": "HEAD /v1/0123/notebooks/i-1",
    "action": "POST /v1/0123/demanager/instances/i-1/action",
    "lease": "PATCH /v1/0123/notebooks/n-1/lease",
    "unmount": "DELETE /v1/0123/notebooks/n-1/storage/s-1",
    "reserved": "DELETE /v1/0123/notebooks/all",
    "unknown_row": "PUT /v1/0123/demanager/instances",
    "escaped": "POST /v1/p/%64emanager/instances",
    "escaped_twice": "POST /v1/p/%2564emanager/instances",
    "escaped_slash": "POST /v1/a%2fb/demanager/instances",
    "slash_hides": "POST /v1%2fp%2fdemanager%2finstances",
    "trailing_slash": "POST /v1/p/demanager/instances/",
    "parameter": "POST /v1/p/demanager;x/instances;y",
    "upper": "POST /v1/p/Demanager/Instances",
    "suffix": "POST /v1/p/demanager/instances.json",
    "suffix_family": "POST /v1/p/notebooks.json",
    "dots_escaped": "POST /v1/p/x/%2e%2e/demanager/instances",
    "dots_parameter": "POST /v1/p/x/..;/notebooks",
    "dots": "POST /v1/p/x/../demanager/instances",
    "backslash_escaped": "POST /v1%5cp%5cdemanager%5cinstances",
    "backslash_and_dots": "POST /x%5cy%2f..%2fv1%2fp%2fdemanager%2finstances",
    "backslash_twice": "POST /x%255cy/%252e%252e%252fnotebooks",
    "double_slash": "POST /v1//p/demanager/instances",
    "backslash": "POST /v1/p\\demanager/instances",
    "broken_escape": "GET /v1/p/models/100%",
    "control": "GET /v1/p/a\x7fb",
    "control_escaped": "POST /v1/p/demanager%00/instances",
    "question_escaped": "POST /v1/p/notebooks%3f/x",
    "hash": "GET /v1/p/a#b",
    "model": "GET /v1/p/models/a%2Fb%20c",
    "jobs": "POST /v2/p/training-jobs",
    "jobs_spelled": "POST /v2/p/Training%2djobs/",
    "root": "GET /",
    "no_slash": "GET v1/p",
    "fourth": "GET /v1/p/x/demanager",
    "not_ascii": "GET /v1/p/\u00e4",
}
for name, text in ROUTES.items():
    seed("route", name, text + "\nPOST /v2/*/training-jobs")
seeds(
    "route",
    pattern_any="GET /a/b\n* /*",
    pattern_get="HEAD /v1/p/Services/\nGET /v1/*/services",
    pattern_long="DELETE /v1/p/a/b/c/d\nDELETE /v1/*/b/*/d/",
    pattern_bad="GET /a\nget a",
    pattern_escape="GET /a\nGET /%61",
)
URL = "version: 1\nupstream: {url: https://modelarts.example.org%s}\nidentity: {tokens: {verify: decode}}\n"
seeds(
    "conf",
    empty="",
    minimal=URL % "",
    port=URL % ":8443",
    slash=URL % "/",
    bad_port=URL % ":70000",
    plain="version: 1\nupstream: {url: 'http://modelarts.example.org'}\n",
    ipv6="version: 1\nupstream: {url: 'https://[2001:db8::1]:443'}\nidentity: {tokens: {verify: 'off'}}\n",
    shipped=(HERE / "../../conf/postern.yaml").read_text(),
    callers="version: 1\nupstream: {url: 'https://modelarts.example.org'}\n"
            "listen: [{address: '127.0.0.1:1', tls: {certificate: c, key: k, client_ca: a}}]\nidentity:\n"
            "  tokens: {verify: certificate, certificate: c.pem}\n  signatures: verify\n  access_keys: k\n  sign_as: s\n"
            "  oidc: {issuer: 'https://i', audience: a, jwks: 'https://i:1/k', projects: [0123456789abcdef0123456789abcdef]}\n"
            "  forwarded_user: {header: X-User, from: ['CN=p,*'], projects: [0123456789abcdef0123456789abcdef]}\n"
            "  client_certificates: {rules: [{subject: 'CN=a', san: b, user: c, user_id: d, domain: e, "
            "projects: [0123456789abcdef0123456789abcdef]}]}\n",
    listens=URL % "" + "listen:\n  - address: 127.0.0.1:8080\n  - address: '[::1]:8443'\n    tls: {certificate: a.pem, key: b.pem, "
                       "client_ca: c.pem}\n  - {address: '0.0.0.0:80', plain: true}\n",
    listen_open=URL % "" + "listen: [{address: '0.0.0.0:80'}]\n",
    listen_wrong=URL % "" + "listen: [{address: 'nowhere'}, {}, a]\n",
    journal=URL % "" + "journal: {directory: j, durability: write, timeout: 90s, segment: 1MB, keep: 400d, low_space: 1GB}\n",
    journal_small=URL % "" + "journal: {segment: 1KB, keep: 0s, timeout: 5}\n",
    service=URL % ", service_credential: {access_key_file: k, projects: [0123456789abcdef0123456789abcdef]}" +
    "quota: {reconcile: 1s, grace: 0s, orphans: ignore}\n",
    routes=URL % "" + "routes: {other: refuse, refuse: ['POST /v2/*/training-jobs', 'get x']}\n",
    limits=URL % "" + "workers: 4\nlimits: {head: 1KB, uri: 512B, headers: 1, body: 1MB, json_depth: 2047, head_timeout: 1ms}\n"
                      "log: {level: debug, format: json}\nrequests: {unknown_fields: pass}\n",
    limits_wrong=URL % "" + "limits: {head: 0B, json_depth: 1000000, headers: -1, body: 5TB}\n",
    later=URL % "" + "quota: {store: 'postgresql://x'}\nidentity: {tokens: {verify: iam}, signatures: relay}\n",
    paths=URL % "" + "policies: ../p\nadmin: {socket: /run/x.sock}\nstatus: {address: '127.0.0.1:9080'}\n",
    unknown=URL % "" + "upstreem: {}\nlimits: {heads: 1}\n",
    version_2="version: 2\n",
)

# ---- tokens ----

TOKEN = ('{"token":{"expires_at":"2999-01-01T00:00:00.000000Z","issued_at":"2026-01-01T00:00:00.000000Z","methods":["password"],'
         '"catalog":[],"roles":[{"name":"te_admin","id":"0"}],%s"user":{"id":"u-1","name":"alice","domain":{"id":"d-1","name":'
         '"acme"}%s}}}')
PROJECT = '"project":{"id":"0123456789abcdef0123456789abcdef","name":"eu-de","domain":{"id":"d-1","name":"acme"}},'
FEDERATION = ',"OS-FEDERATION":{"identity_provider":{"id":"x"},"protocol":{"id":"saml"},"groups":[{"id":"g","name":"team-a"}]}'


# ---- kept requests: operation, caller, body, stored instance, query; or a line ----


def kept_call(operation, body="", stored="", query="", caller=0):
    return bytes([operation, caller]) + "\0".join([body, stored, query]).encode()


seeds(
    "replay_line",
    **{"create_" + name: kept_call(0, body) for name, body in BODIES.items() if "stop" in name or "labels" in name or name == "plain"},
    create_of_nobody=kept_call(0, BODIES["plain"], caller=1),
    create_of_an_odd_one=kept_call(0, BODIES["plain"], caller=2),
    update=kept_call(1, '{"spec":{"auto_stop":{"enable":false}}}'),
    start=kept_call(2, '{"action":"start"}', STORED % '{"enable":true,"duration":3600}'),
    start_never=kept_call(2, '{ "action": "queue" }', STORED % "null"),
    nb_create=kept_call(3, NOTEBOOK % ',"duration":-1'),
    nb_update=kept_call(4, '{"name":"B"}'),
    nb_start=kept_call(5, "", NB_STORED % "modelarts.vm.cpu.2u", "duration=-1&type=timing"),
    nb_start_body=kept_call(5, "{}", NB_STORED % "modelarts.vm.cpu.8u"),
    nb_start_get=kept_call(6, "", NB_STORED % "custom.flavor.spec.code"),
    nb_lease=kept_call(7, '{"duration":7200000}', '{"id":"i-1","lease":{"create_at":0}}'),
    nb_lease_query=kept_call(7, "", '{"id":"i-1","token":"x","lease":{"create_at":0}}', "duration=999999999999"),
    mount=kept_call(8, '{"category":"OBS","uri":"obs://team-b/x/","mount_path":"/data/a/"}'),
    line='{"v":1,"seq":1,"time":"2026-01-02T03:04:05Z","event":"refusal","operation":"demanager.create","method":"POST",'
         '"path":"/v1/0123456789abcdef0123456789abcdef/demanager/instances","user":{"name":"a","roles":[],"domain":"d","domain_id":"d"},'
         '"decision":"refuse","reasons":[{"code":"quota.exceeded"}],"edits":[7],"request":{"name":"x","spec":{}},"redacted":["/x"]}',
)


# ---- kept requests: pointers, one a line, an empty line, the document ----

KEPT_SECRET = "MIIDkgYJKoZIhvcNAQcCoIIDgzCCA38CAQExAz"
seeds(
    "keep",
    nothing='\n{ "name" : "a", "n": [1, {}] }',
    members='/a/b\n/c/*\n\n{"a":{"b":1},"c":[{"d":2},3]}',
    nested='/a/b/c\n/a/b\n\n{"a":{"b":{"c":1}}}',
    escapes='/a~1b\n/c~0d\n\n{"a/b":"\\n\\u0041","c~d":2}',
    by_name='\n{"Password":"x","api_key":{"a":1},"token":null}',
    by_look='\n{"a":"' + KEPT_SECRET + '","b":{"' + KEPT_SECRET + '":1},"c":"\\n' + "A" * 170 + '"}',
    long_number='\n{"cpu":1.' + "1" * 170 + "}",
    by_words='\n{"a":"export DB_PASSWORD=x","b":["my api key : \\"x","run --token x"],"name":"token=x","c":"a=b: c"}',
    by_label='\n[{"name":"DB_PASSWORD","value":[1]},{"VALUE":"x","Key":"sk"},{"key":"a","value":"b"}]',
    by_option='\n["run","--db-password","x","--token","-v"]',
)


def der(tag, *parts):
    data = b"".join(parts)
    size = len(data)
    if size < 128:
        return bytes([tag, size]) + data
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + data


def signed(content, inner=b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"):
    kind = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
    octets = b"" if content is None else der(0xA0, der(0x04, content))
    return der(0x30, kind, der(0xA0, der(0x30, b"\x02\x01\x01", b"\x31\x00", der(0x30, inner, octets), b"\x31\x00")))


def token(data):
    return base64.b64encode(data).replace(b"/", b"-")


def other_padding(text):
    """The same bytes to a lenient reader: a bit is set that padding drops."""
    last = len(text.rstrip(b"="))
    letter = ALPHABET.index(text[last - 1:last])
    return text[:last - 1] + ALPHABET[letter ^ 1:(letter ^ 1) + 1] + text[last:]


ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
GOOD = TOKEN % (PROJECT, "")
seeds(
    "token",
    good=GOOD,
    federated=TOKEN % (PROJECT, FEDERATION),
    of_domain=TOKEN % ('"domain":{"id":"d-1","name":"acme"},', ""),
    expired=GOOD.replace("2999", "1969"),
    bad_time=GOOD.replace("2999-01", "2999-13"),
    other_project=GOOD.replace("0123456789abcdef0123456789abcdef", "p"),
    no_user='{"token":{"expires_at":"2999-01-01T00:00:00Z"}}',
    no_roles=GOOD.replace('"roles":[{"name":"te_admin","id":"0"}],', ""),
    null_roles=GOOD.replace('[{"name":"te_admin","id":"0"}]', "null"),
    empty_name=GOOD.replace('"alice"', '""'),
    escaped=GOOD.replace("alice", "al\\u0069ce\\n"),
    twins=GOOD.replace('"id":"u-1"', '"id":"u-1","id":"u-2"'),
    many_roles=GOOD.replace('{"name":"te_admin","id":"0"}', ",".join(f'{{"name":"r{n}","id":"{n}"}}' for n in range(60))),
    not_json="{nonsense",
    empty_object="{}",
    der_good=signed(GOOD.encode()),
    der_detached=signed(None),
    der_other_content=signed(GOOD.encode(), b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04"),
    der_cut=signed(GOOD.encode())[:-9],
    der_behind=signed(GOOD.encode()) + b"x",
    der_indefinite=b"0\x80" + signed(GOOD.encode())[4:] + b"\0\0",
    der_certificates=der(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", der(0xA0, der(0x30, b"\x02\x01\x01", b"\x31\x00", der(
        0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", der(0xA0, der(0x04, GOOD.encode()))), der(0xA0, der(0x30)), b"\x31\x00"))),
    text_good=token(signed(GOOD.encode())),
    text_slash=token(signed(GOOD.encode())).replace(b"-", b"/"),
    text_no_pad=token(signed(GOOD.encode())).rstrip(b"="),
    text_blank=b" " + token(signed(GOOD.encode())),
    text_line=token(signed(GOOD.encode()))[:64] + b"\n" + token(signed(GOOD.encode()))[64:],
    **{f"text_padded_{n}": token(signed(GOOD.encode() + b" " * n)) for n in range(3)},
    **{f"text_pad_bits_{n}": other_padding(token(signed(GOOD.encode() + b" " * n))) for n in range(3)},
    pad_bits=b"MAB=",
    pads=b"M===",
    letters=b"MIIE",
    signature=b"SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature=0",
    signature_v11=b"V11-HMAC-SHA256 Credential=A/20260101/eu-de/modelarts",
    basic=b"Basic YTpi",
    bearer=b"bearer \t" + token(signed(GOOD.encode())),
    nul=b"\0",
)
seeds(
    "iam_answer",
    good=GOOD,
    federated=TOKEN % (PROJECT, FEDERATION),
    group_ids=TOKEN % (PROJECT, FEDERATION.replace(',"name":"team-a"', "")),
    of_domain=TOKEN % ('"domain":{"id":"d-1","name":"acme"},', ""),
    mfa=GOOD.replace('"catalog"', '"mfa_authn_at":"2026-01-01T00:00:00.000000Z","catalog"'),
    catalog=GOOD.replace('"catalog":[]', '"catalog":[{"endpoints":[{"id":"1","interface":"public","url":"https://x"}],"type":"iam"}]'),
    null_project=TOKEN % ('"project":null,', ""),
    twins=GOOD.replace('"id":"u-1"', '"id":"u-1","id":"u-2"'),
    many_roles=GOOD.replace('{"name":"te_admin","id":"0"}', ",".join(f'{{"name":"r{n}","id":"{n}"}}' for n in range(60))),
    behind=GOOD + "x",
    cut=GOOD[:-1],
    no_token="{}",
    not_found='{"error":{"code":404,"message":"x","title":"Not Found"}}',
    iam_code='{"error_msg":"x","error_code":"IAM.0004"}',
    front_door='{"error_msg":"x","error_code":"APIG.0101"}',
    error_text='{"error":"x"}',
    both=GOOD[:-1] + ',"error":{}}',
    html="<html></html>",
    nothing="",
)

# ---- bearer tokens: a token, then a set of keys ----

BY_RSA = (
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
    "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e"
    "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
BY_EC = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RSA_KEY = (
    '{"kty":"RSA","kid":"a","use":"sig","alg":"RS256","key_ops":["verify"],"n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbj'
    "i9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LO"
    "L-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK"
    '-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}'
)
EC_KEY = (
    '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
)


def url64(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


KEYS = '{"keys":[%s,%s]}' % (RSA_KEY, EC_KEY)
seeds(
    "jwt",
    rsa=BY_RSA + "\n" + KEYS,
    ec=BY_EC + "\n" + KEYS,
    none=url64('{"alg":"none"}') + "." + url64('{"sub":"a"}') + ".\n" + KEYS,
    hmac=url64('{"alg":"HS256","kid":"a"}') + "." + url64('{"sub":"a"}') + ".AAAA\n" + KEYS,
    kid=url64('{"alg":"RS256","kid":"a","typ":"JWT"}') + "." + BY_RSA.split(".", 1)[1] + "\n" + KEYS,
    twins=url64('{"alg":"RS256","alg":"ES256"}') + "." + BY_RSA.split(".", 1)[1] + "\n" + KEYS,
    critical=url64('{"alg":"ES256","crit":["exp"]}') + "." + BY_EC.split(".", 1)[1] + "\n" + KEYS,
    same_kid="\n" + '{"keys":[%s,%s]}' % (RSA_KEY, RSA_KEY),
    others='\n{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}',
    no_dots="eyJhbGciOiJSUzI1NiJ9",
    empty="",
)

# ---- the ledger: each choice a byte ----

seeds(
    "ledger",
    creates=bytes([1, 0, 0, 0, 9, 0, 1, 0, 0, 0, 1, 1, 5, 0]) * 6,
    mixed=bytes(i * 167 % 251 for i in range(1200)),
    slow=bytes(hashlib.sha256(bytes([i])).digest()[0] for i in range(256)) * 3,
    lists=bytes([1, 0, 0, 1, 9, 2, 1, 0, 2, 1, 1, 1, 5, 1, 25, 0, 55, 5, 0, 1, 0, 1, 1, 1]) * 12,
)

# ---- signed requests ----

DAY, NOW, ZEROS = "20260102", "20260102T030405Z", "0" * 64
TYPE, DATED = "Content-Type: application/json", f"X-Sdk-Date: {NOW}"


def sign(names, key="Access=EXAMPLEAK"):
    return f"Authorization: SDK-HMAC-SHA256 {key}, SignedHeaders={names}, Signature={ZEROS}"


OF_SCOPE = f"Credential=EXAMPLEAK/{DAY}/eu-de/modelarts/sdk_request"
DECLARED = f"X-Sdk-Content-Sha256: {hashlib.sha256(b'{}').hexdigest()}"
seeds(
    "authorization",
    create=head("POST /v1/p/demanager/instances HTTP/1.1", HOST, TYPE, DATED, sign("content-type;host;x-sdk-date"), "Content-Length: 2") + "{}",
    scoped=head("POST /v1/p/notebooks HTTP/1.1", HOST, TYPE, DATED, sign("content-type;host;x-sdk-date", OF_SCOPE), "Content-Length: 2") + "{}",
    query=head("GET /p?limit=10&b=%2F+a&c HTTP/1.1", HOST, DATED, sign("x-sdk-date")),
    scoped_query=head("GET /p?limit=10&B=%2F+a&c HTTP/1.1", HOST, DATED, sign("x-sdk-date", OF_SCOPE)),
    query_twice=head("GET /p?a=1&a=2 HTTP/1.1", HOST, DATED, sign("x-sdk-date", OF_SCOPE)),
    no_body=head("POST /p/start?duration=3600 HTTP/1.1", HOST, DATED, sign("x-sdk-date", OF_SCOPE)),
    form=head("POST /p/start HTTP/1.1", HOST, DATED, sign("x-sdk-date", OF_SCOPE), "Content-Length: 3") + "a=b",
    escapes=head("GET /a%20b/%2f%7e HTTP/1.1", HOST, DATED, sign("host;x-sdk-date")),
    escapes_twice=head("GET /a%2541/%25%34%31 HTTP/1.1", HOST, DATED, sign("host;x-sdk-date")),
    escape_broken=head("GET /a%4 HTTP/1.1", HOST, DATED, sign("host;x-sdk-date")),
    open=head("PUT /p HTTP/1.1", HOST, DATED, "X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD", sign("x-sdk-content-sha256;x-sdk-date"),
              "Content-Length: 2") + "{}",
    declared=head("PUT /p HTTP/1.1", HOST, DATED, DECLARED, sign("x-sdk-date"), "Content-Length: 2") + "{}",
    declared_wrong=head("PUT /p HTTP/1.1", HOST, DATED, DECLARED, sign("x-sdk-date"), "Content-Length: 1") + "1",
    temporary=head("GET / HTTP/1.1", HOST, DATED, "X-Security-Token: t", sign("x-sdk-date;x-security-token")),
    other_day=head("GET / HTTP/1.1", HOST, DATED, sign("x-sdk-date", "Credential=A/20260103///sdk_request")),
    repeated=head("GET / HTTP/1.1", HOST, DATED, DATED, sign("x-sdk-date")),
    unsigned_date=head("GET / HTTP/1.1", HOST, DATED, sign("host")),
    unsorted=head("GET / HTTP/1.1", HOST, DATED, sign("x-sdk-date;host")),
    missing=head("GET / HTTP/1.1", HOST, DATED, sign("accept;x-sdk-date")),
    two=head("GET / HTTP/1.1", HOST, DATED, sign("x-sdk-date"), sign("x-sdk-date")),
    sibling=head("GET / HTTP/1.1", HOST, DATED, "Authorization: SDK-SM2-SM3 Access=A, SignedHeaders=host, Signature=0"),
    blanks=head("GET / HTTP/1.1", HOST, DATED, "X-A:  a \t b ", sign("x-a;x-sdk-date", OF_SCOPE)),
)

# ---- Cases ----

CASES = "version: 1\ncases:\n"
ONE = CASES + "  - {name: n, project: p, subject: {user: alice, groups: [team-a]}, "
seeds(
    "cases",
    empty="",
    allow=ONE + "request: {name: a, flavor: cpu, spec: {storage: {type: obs, location: {path: /team-a/}}, auto_stop: {enable: true, "
                "duration: 3600}, annotations: {owner: o, k: v}}}, expect: {verdict: allow, reasons: [], edits: [], warn: true}}\n",
    rewrite=ONE + "request: {name: a, flavor: cpu, spec: {storage: {type: obs, location: {path: /home/alice/}}, annotations: {owner: o}}}, "
                  "expect: {verdict: rewrite, edits: [{op: default, path: /spec/auto_stop, new: {enable: true, duration: 3600}, policy: "
                  "stop}], body: {name: b}, would: {verdict: refuse, reasons: [flavor.not_allowed]}}}\n",
    refuse=ONE + "at: 2026-01-02, request: {flavor: a.8u}, expect: {verdict: refuse, reasons: [flavor.denied, storage.missing]}}\n",
    text=CASES + "  - name: n\n    project: p\n    request: |\n      {\"name\": \"a\", \"name\": 1}\n    expect:\n      verdict: refuse\n",
    file=ONE + "request_file: a.json, expect: {verdict: allow}}\n",
    lease=CASES + "  - {name: n, project: p, operation: notebooks.lease, at: 2026-01-02T03:04:05Z, query: duration=7200000, instance: {id: i, "
                  "lease: {create_at: 1767315600000, duration: 3600000, enable: true}}, expect: {verdict: allow}}\n",
    start=CASES + "  - {name: n, project: p, subject: {roles: [], user_id: u, domain: d, project_name: e}, operation: demanager.start, "
                  "instance: {id: i, flavor: cpu, spec: {auto_stop: {enable: false}}}, request: {action: start}, expect: {verdict: "
                  "refuse}}\n",
    numbers=ONE + "request: [0o17, 0xF, +1, .5, 1., -01.50e+3, 007, 1e3, ~, True, \"5\", '', 2026-01-02, 9223372036854775808], expect: "
                  "{verdict: allow}}\n",
    infinite=ONE + "request: {a: -.inf, b: .nan, c: 0x8000000000000000}, expect: {verdict: allow}}\n",
    twins=CASES + "  - {name: n, project: p, expect: {verdict: allow}}\n  - {name: n, project: p, expect: {verdict: allow}}\n",
    faults=CASES + "  - {nam: n, subject: {usr: a}, operation: notebooks.delete, at: now, expect: {verdict: no, reasons: [x], edits: {}, "
                   "body: \"{\", would: {}, warn: yes}}\n",
    nothing=CASES + "  - {name: , project: , request: , expect: {verdict: , reasons: }}\n",
    anchor=CASES + "  - &a {name: n}\n  - *a\n",
)

# ---- lines in other formats ----

_ROW = re.compile(r'ROW\("(\w+)",\n    "(.*)",\n')
for _name, _line in _ROW.findall((HERE.parent / "unit/formats/format_rows.def").read_text()):
    seed("format", _name, _line.replace("'", '"').replace("\\\\", "\\"))
seeds(
    "format",
    source='s\x00"/\u00e4 {"v":1,"seq":9,"time":"2026-01-02T03:04:05Z","event":"intent","instance":{"id":"\\u0007"},"project":"p"}',
    first_open='{"open":[1],"v":1,"seq":9,"time":"2026-01-02T03:04:05.1Z","event":"checkpoint","z":1}',
    no_time='{"v":1,"seq":9,"event":"stop"}',
    white=' {"v" : 1 , "seq":9,\t"time":"2026-01-02T03:04:05Z","event":"outcome","reasons":[\r{ "code":"a" , "policy":"b"}]} ',
)


def main():
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    total = 0
    for target, files in SEEDS.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
            total += len(data)
    print(f"{sum(map(len, SEEDS.values()))} seeds of {len(SEEDS)} targets, {total} bytes")


if __name__ == "__main__":
    main()
