"""Rules as they come in, and what looks like one."""

YARA = {
    "plain": 'rule plain { strings: $a = "evil" condition: $a }',
    "pe_file": 'import "pe"\nrule pe_file : apt { condition: pe.is_pe and pe.number_of_sections > 200 }',
    "mixed": (
        'import "pe"\nimport "math"\n\nprivate rule mixed : a b {\n  meta:\n    author = "x \\"y\\" } { // none"\n'
        '    n = -1\n    is = true\n  strings:\n    $t = "täglich" wide ascii nocase\n'
        "    $h = { 4D 5A ?? [1-4] (01 | 02 (03 | 04 [2] ?5)) 06 }\n"
        '    $r = /a{2,3}\\/[^}]+/is fullword\n    $x = "abc" xor(1-255)\n  condition: /* } */\n'
        "    #t > 1 and for all of ($t, $h) : ( $ at 0 or @ > 4 ) and 1 of ($r, $x) and\n"
        "    for any i in (1..#t) : ( @t[i] < filesize ) and math.entropy(0, filesize) >= 7.5 and\n"
        '    for any section in pe.sections : ( section.name == ".x" ) and uint16be(0) == 0x4D5A\n}'
    ),
    "a_needs_plain": 'rule a_needs_plain { strings: $b = "very" condition: plain and $b }',
    "unnamed": 'rule unnamed { strings: $ = "one" $ = { 6F ?? 65 } condition: any of them }',
}
"""Texts by name; each compiles, behind those that it speaks of."""

NOT_YARA = {
    "no condition": 'rule a { strings: $a = "x" }',
    "two rules": "rule a { condition: true } rule b { condition: true }",
    "a global rule": "global rule a { condition: filesize < 1 }",
    "another file": 'include "/etc/passwd"\nrule a { condition: true }',
    "no such module": 'import "vt"\nrule a { condition: vt.x }',
    "a module without import": "rule a { condition: pe.is_pe }",
    "no such string": "rule a { condition: $a }",
    "a string that only later versions let be": 'rule a { strings: $_a = "x" condition: true }',
    "an unused string": 'rule a { strings: $a = "x" condition: true }',
    "two strings of one name": 'rule a { strings: $a = "x" $a = "y" condition: $a }',
    "an empty string": 'rule a { strings: $a = "" condition: $a }',
    "a jump without end in alternatives": "rule a { strings: $a = { 01 (02 [3-] 04 | 05) 06 } condition: $a }",
    "a jump at the end": "rule a { strings: $a = { 01 [2] } condition: $a }",
    "an expression with groups": "rule a { strings: $a = /(?:a)/ condition: $a }",
    "an open expression": "rule a { strings: $a = /(a/ condition: $a }",
    "an unknown escape": 'rule a { strings: $a = "\\q" condition: $a }',
    "a keyword for a name": "rule private { condition: true }",
    "a digit first": "rule 1a { condition: true }",
    "nocase with xor": 'rule a { strings: $a = "x" nocase xor condition: $a }',
    "a text where a number is": 'rule a { condition: "a" + 1 > 2 }',
    "an open bracket": "rule a { condition: (true }",
    "something behind": "rule a { condition: true } }",
    "an external variable": 'rule a { condition: filename == "x" }',
    "itself": "rule a { condition: a }",
    "an open comment": "rule a { condition: true } /* ",
    "too many repeats": "rule a { strings: $a = /a{32768}/ condition: $a }",
    "no repeats": "rule a { strings: $a = /ba{0}/ condition: $a }",
    "a set with a range that goes back": "rule a { strings: $a = /[z-a]/ condition: $a }",
    "a set with an escape that is none": "rule a { strings: $a = /[\\xzz]/ condition: $a }",
    "a jump over nothing": "rule a { strings: $a = { AA [0] BB } condition: $a }",
    "a jump over nothing in alternatives": "rule a { strings: $a = { AA (BB [0] CC | DD) EE } condition: $a }",
    "a jump that goes back": "rule a { strings: $a = { AA [300-20] BB } condition: $a }",
    "a division by zero": "rule a { condition: 1 \\ 0 == 1 }",
    "a rest of a division by zero": "rule a { condition: filesize % 0x0 == 1 }",
    "a shift back": "rule a { condition: 1 << -1 == 1 }",
    "a number that is too large": "rule a { condition: 9223372036854775808 == 1 }",
    "a size that is too large": "rule a { condition: 8796093022208MB == 1 }",
    "a number that is too large in meta": "rule a { meta: a = 99999999999999999999 condition: true }",
}

_SIGMA = """title: {title}
id: {id}
status: test
description: |
  Finds what is evil
    --- and more
references:
  - https://a.example/x
date: 2026-01-02
tags:
  - attack.execution
  - attack.t1059.001
logsource:
  category: process_creation
  product: windows
detection:
  selection_image:
    Image|endswith:
      - '\\evil.exe'
      - '\\bad.exe'
    CommandLine|re|i: 'foo[0-9]+'
  selection_address:
    Address|cidr: 192.0.2.0/24
    Count|gte: 5
  filter: {{User: SYSTEM, Other: null}}
  words: [evil, 4625]
  condition: (1 of selection_* or words) and not filter
falsepositives:
  - Unknown
level: high
"""
SIGMA = {
    "Evil": _SIGMA.format(title="Evil", id="5013198d-64b2-4b7d-a4a3-3e6f1a1b7d11"),
    "Evil, too": _SIGMA.format(title="Evil, too", id="5013198d-64b2-4b7d-a4a3-3e6f1a1b7d12"),
    "Short": "title: Short\nlogsource: {service: auth}\ndetection: {a: [x, y], condition: all of them}",
}
_SHORT = SIGMA["Short"]
NOT_SIGMA = {
    "two documents": f"{_SHORT}\n---\n{_SHORT}",
    "a directive": f"%YAML 1.2\n{_SHORT}",
    "a shared part": f"action: global\n{_SHORT}",
    "a correlation": "title: X\ncorrelation: {type: event_count, rules: [a]}",
    "no title": _SHORT.replace("title: Short\n", ""),
    "no logsource": _SHORT.replace("logsource: {service: auth}\n", ""),
    "no detection": "title: Short\nlogsource: {service: auth}\n",
    "no such search": _SHORT.replace("all of them", "b"),
    "no such searches": _SHORT.replace("all of them", "1 of b*"),
    "a count": _SHORT.replace("all of them", "a | count() > 5"),
    "an open bracket": _SHORT.replace("all of them", "(a"),
    "an unknown level": f"{_SHORT}\nlevel: severe",
    "an unknown status": f"{_SHORT}\nstatus: new",
    "no UUID": f"{_SHORT}\nid: 12",
    "no date": f"{_SHORT}\ndate: 2026-13-01",
    "no tag": f"{_SHORT}\ntags: [evil]",
    "a key twice": f"{_SHORT}\nlevel: low\nlevel: high",
    "an unknown modifier": _SHORT.replace("[x, y]", "{F|near: x}"),
    "an open expression": _SHORT.replace("[x, y]", "{F|re: '(x'}"),
    "no network": _SHORT.replace("[x, y]", "{F|cidr: 192.0.2.0/33}"),
    "a text that is not less": _SHORT.replace("[x, y]", "{F|lt: x}"),
    "no YAML": f"{_SHORT}\n a: [",
    "a tag of YAML": f"{_SHORT}\nx: !!python/object:os.system y",
    "only a text": "title",
    "exists, and more": _SHORT.replace("[x, y]", "{F|exists|contains: true}"),
    "less of a text": _SHORT.replace("[x, y]", "{F|lt|contains: 5}"),
    "a part of a network": _SHORT.replace("[x, y]", "{F|cidr|contains: 192.0.2.0/24}"),
    "an encoded part": _SHORT.replace("[x, y]", "{F|contains|base64: x}"),
    "an encoded expression": _SHORT.replace("[x, y]", "{F|re|base64: x}"),
    "another field in the middle": _SHORT.replace("[x, y]", "{F|contains|fieldref: G}"),
    "another field with a wildcard": _SHORT.replace("[x, y]", "{F|fieldref: 'G*'}"),
}

SURICATA = {
    "1:9000001": (
        'alert http $HOME_NET any -> [192.0.2.0/24,!192.0.2.1,2001:db8::/32] [80,8000:9000] (msg:"Evil \\"a\\" \\; b"; '
        'flow:established,to_server; http.uri; content:"/evil|3b 20|a"; nocase; fast_pattern; pcre:"/x\\d+\\.php/U"; '
        "isdataat:!1,relative; threshold:type limit, track by_src, count 1, seconds 60; reference:url,a.example/x; "
        "classtype:trojan-activity; metadata:a b, c d; sid:9000001; rev:3;)"
    ),
    "1:9000002": (
        'drop tcp !$EXTERNAL_NET 1024: <> any ![25,:20] (msg:"b"; content:!"y"; depth:10; content:"|00 01|"; '
        "byte_extract:1,0,len,relative; isdataat:len; flowbits:set,x; sid:9000002;)"
    ),
    "7:9000001": 'alert dns any any -> any any (msg:"c"; dns.query; content:"evil.example"; nocase; gid:7; sid:9000001;)',
    "1:9000003": (
        'alert http any any -> any any \\\n    (msg:"d"; http.uri; \\\n     content:"/found"; sid:9000003; rev:1;)'
    ),
}
_PLAIN = 'alert tcp any any -> any any (msg:"x"; content:"a"; sid:9000009; rev:1;)'
NOT_SURICATA = {
    "no sid": _PLAIN.replace(" sid:9000009;", ""),
    "two sids": _PLAIN.replace("rev:1;", "sid:1;"),
    "a sid that is too large": _PLAIN.replace("9000009", "4294967296"),
    "no direction": _PLAIN.replace("->", "<-"),
    "no action": _PLAIN.replace("alert", "activate"),
    "no protocol": _PLAIN.replace("tcp", "netbios"),
    "no addresses": _PLAIN.replace("any any ->", "192.0.2.0/33 any ->"),
    "no ports": _PLAIN.replace("any any ->", "any 70000 ->"),
    "an unknown variable": _PLAIN.replace("any any ->", "$OUR_NET any ->"),
    "a semicolon in a content": _PLAIN.replace('"a"', '"a;b"'),
    "an open hex": _PLAIN.replace('"a"', '"a|3b"'),
    "an empty content": _PLAIN.replace('"a"', '""'),
    "a keyword of Snort": _PLAIN.replace("rev:1;", 'logto:"x";'),
    "a list beside it": _PLAIN.replace('content:"a"', "filemd5:list.txt"),
    "nocase of nothing": _PLAIN.replace('content:"a"', "nocase"),
    "no place": _PLAIN.replace("rev:1;", "isdataat:31+len;"),
    "an unknown flow": _PLAIN.replace("rev:1;", "flow:upwards;"),
    "an option without end": _PLAIN.replace("rev:1;)", "rev:1)"),
    "two lines": f"{_PLAIN}\n{_PLAIN}",
    "a host in capitals": _PLAIN.replace('content:"a"', 'http.host; content:"EVIL.example"'),
    "a host in capitals as hex": _PLAIN.replace('content:"a"', 'http.host; content:"|45|vil.example"'),
    "a host with nocase": _PLAIN.replace('content:"a"', 'http.host; content:"evil.example"; nocase'),
    "a host in capitals, the old way": _PLAIN.replace('content:"a"', 'content:"EVIL.example"; http_host'),
    "a group that is not closed": _PLAIN.replace('content:"a"', 'pcre:"/(/"'),
    "a group that is not opened": _PLAIN.replace('content:"a"', 'pcre:"/a)/"'),
    "a set that is not closed": _PLAIN.replace('content:"a"', 'pcre:"/[a/"'),
    "a repeat of nothing": _PLAIN.replace('content:"a"', 'pcre:"/*a/"'),
    "two directions": _PLAIN.replace("rev:1;", "flow:to_client,to_server;"),
    "two states": _PLAIN.replace("rev:1;", "flow:established,stateless;"),
    "two flows": _PLAIN.replace("rev:1;", "flow:established; flow:to_server;"),
    "a start with a depth": _PLAIN.replace("rev:1;", "depth:5; startswith;"),
    "a relative start": _PLAIN.replace("rev:1;", 'content:"b"; distance:0; startswith;'),
    "a depth twice": _PLAIN.replace("rev:1;", "depth:5; depth:6;"),
    "a depth that is too small": _PLAIN.replace('content:"a"', 'content:"a|00 01|"; depth:2'),
    "two protocols": _PLAIN.replace('content:"a"', 'dns.query; content:"x"; tls.sni; content:"y"'),
    "another protocol than its own": _PLAIN.replace("tcp", "http").replace(
        'content:"a"', 'dns.query; content:"x"'
    ),
    "a threshold and a filter": _PLAIN.replace(
        "rev:1;",
        "threshold:type limit, track by_src, count 1, seconds 60; "
        "detection_filter:track by_src, count 1, seconds 60;",
    ),
    "no rule": "alert",
}
