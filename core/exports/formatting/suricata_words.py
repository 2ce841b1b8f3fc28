"""The words of Suricata's rules: what they may begin with, protocols, keywords, and what follows some of them.

What needs a file, a database or a switch that is off as Suricata is delivered is not among them: such a rule would not
load.  Source: the Suricata User Guide 7.0, "Suricata Rules".
"""

import re

_ACTIONS = "alert drop pass reject rejectsrc rejectdst rejectboth"
ACTIONS = frozenset(_ACTIONS.split())
_PROTOCOLS = """
bittorrent-dht dcerpc dhcp dns ftp ftp-data http http1 http2 icmp icmpv4 icmpv6 ike imap ip ipv4 ipv6 krb5 mqtt nfs ntp
pkthdr quic rdp rfb sip smb smtp snmp ssh tcp tcp-pkt tcp-stream telnet tftp tls udp
"""
PROTOCOLS = frozenset(_PROTOCOLS.split())
_KEYWORDS = """
ack alert app-layer-event app-layer-protocol asn1 base64_data base64_decode bsize bypass byte_extract byte_jump
byte_math byte_test classtype compress_whitespace content dce_iface dce_opnum dce_stub_data dcerpc.iface
dcerpc.opnum dcerpc.stub_data decode-event depth detection_filter dhcp.leasetime dhcp.rebinding_time
dhcp.renewal_time distance dns.opcode dns.query dns_query dotprefix dsize endswith engine-event fast_pattern
file.data file.name file_data fileext filename filesize flags flow flow.age flowbits flowint flowvar fragbits
fragoffset frame ftpbounce ftpdata_command gid header_lowercase hostbits http.accept http.accept_enc
http.accept_lang http.connection http.content_len http.content_type http.cookie http.header http.header.raw
http.header_names http.host http.host.raw http.location http.method http.protocol http.referer
http.request_body http.request_header http.request_line http.response_body http.response_header
http.response_line http.server http.start http.stat_code http.stat_msg http.uri http.uri.raw http.user_agent
http2.errorcode http2.frametype http2.header_name http2.priority http2.settings http2.size_update http2.window
http_accept http_accept_enc http_accept_lang http_client_body http_connection http_content_len
http_content_type http_cookie http_header http_header_names http_host http_method http_protocol http_raw_header
http_raw_host http_raw_uri http_referer http_request_line http_response_line http_server_body http_start
http_stat_code http_stat_msg http_uri http_user_agent icmp_id icmp_seq icmpv4-csum icmpv4.hdr icmpv6-csum
icmpv6.hdr icmpv6.mtu icode id ike.chosen_sa_attribute ike.exchtype ike.init_spi ike.key_exchange_payload
ike.key_exchange_payload_length ike.nonce_payload ike.nonce_payload_length ike.resp_spi ike.vendor ip.dst
ip.src ip_proto ipopts ipv4-csum ipv4.hdr ipv6.hdr isdataat itype ja3.hash ja3.string ja3_hash ja3_string
ja3s.hash ja3s.string krb5.cname krb5.sname krb5.ticket_encryption krb5_err_code krb5_msg_type l3_proto
metadata mqtt.connack.session_present mqtt.connect.clientid mqtt.connect.flags mqtt.connect.password
mqtt.connect.username mqtt.connect.willmessage mqtt.connect.willtopic mqtt.flags mqtt.protocol_version
mqtt.publish.message mqtt.publish.topic mqtt.qos mqtt.reason_code mqtt.subscribe.topic mqtt.type
mqtt.unsubscribe.topic msg nfs.version nfs_procedure noalert nocase offset pcre pcrexform pkt_data pktvar
prefilter priority quic.cyu.hash quic.cyu.string quic.sni quic.ua quic.version rawbytes reference replace rev
rfb.name rfb.secresult rfb.sectype rpc sameip seq sid sip.method sip.protocol sip.request_line
sip.response_line sip.stat_code sip.stat_msg sip.uri smb.named_pipe smb.ntlmssp_domain smb.ntlmssp_user
smb.share snmp.community snmp.pdu_type snmp.usm snmp.version ssh.hassh ssh.hassh.server ssh.hassh.server.string
ssh.hassh.string ssh.proto ssh.protoversion ssh.software ssh.softwareversion ssh_proto ssl_state ssl_version
startswith stream-event stream_size strip_pseudo_headers strip_whitespace tag target tcp.ack tcp.flags tcp.hdr
tcp.mss tcp.seq tcp.window tcpv4-csum tcpv6-csum threshold tls.cert_chain_len tls.cert_fingerprint
tls.cert_issuer tls.cert_serial tls.cert_subject tls.certs tls.fingerprint tls.issuerdn tls.random
tls.random_bytes tls.random_time tls.sni tls.subject tls.version tls_cert_expired tls_cert_fingerprint
tls_cert_issuer tls_cert_notafter tls_cert_notbefore tls_cert_serial tls_cert_subject tls_cert_valid tls_sni
to_lowercase to_md5 to_sha1 to_sha256 to_uppercase tos ttl udp.hdr udpv4-csum udpv6-csum uricontent urilen
url_decode window within xbits xor
"""
KEYWORDS = frozenset(_KEYWORDS.split())
_READS_FILE = "dataset datarep filemd5 filesha1 filesha256 filestore geoip iprep lua"
READS_FILE = frozenset(_READS_FILE.split())
"""Keywords that need what is not in the rule."""

_NUMBER = r"[0-9]{1,10}"
_NAME = r"[A-Za-z_][A-Za-z0-9_.]*"
_FLOW = """
established not_established stateless to_client to_server from_client from_server only_stream no_stream only_frag
no_frag
"""
_FLOW_WORD = f"(?:{'|'.join(_FLOW.split())})"
_SIZE = r"(?:(?:[<>]=?|!)?\s*[0-9]{1,9}|[0-9]{1,9}\s*<>\s*[0-9]{1,9})"
_TRACK = r"track\s+by_(?:src|dst|both|rule)"
_NOTHING = ""
_PATTERNS = {
    "bsize": _SIZE,
    "classtype": r"[A-Za-z0-9_-]{1,64}",
    "depth": rf"[0-9]{{1,5}}|{_NAME}",
    "detection_filter": rf"{_TRACK}\s*,\s*count\s+{_NUMBER}\s*,\s*seconds\s+{_NUMBER}",
    "distance": rf"-?[0-9]{{1,5}}|{_NAME}",
    "dotprefix": _NOTHING,
    "dsize": _SIZE,
    "endswith": _NOTHING,
    "fast_pattern": r"|only|[0-9]{1,4}\s*,\s*[0-9]{1,4}",
    "flow": rf"{_FLOW_WORD}(?:\s*,\s*{_FLOW_WORD}){{0,2}}",
    "flowbits": r"noalert|(?:set|isset|unset|toggle|isnotset)\s*,\s*[A-Za-z0-9_.-]+(?:\s*\|\s*[A-Za-z0-9_.-]+)*",
    "gid": _NUMBER,
    "isdataat": r"!?\s*(?:[0-9]{1,5}|[A-Za-z_]\w*)\s*(?:,\s*relative\s*(?:,\s*rawbytes\s*)?)?",
    "noalert": _NOTHING,
    "nocase": _NOTHING,
    "offset": rf"[0-9]{{1,5}}|{_NAME}",
    "priority": r"[1-9][0-9]{0,2}",
    "rawbytes": _NOTHING,
    "reference": r"[A-Za-z0-9_-]+\s*,\s*\S(?:.*\S)?",
    "rev": _NUMBER,
    "sid": _NUMBER,
    "startswith": _NOTHING,
    "threshold": rf"type\s+(?:limit|threshold|both)\s*,\s*{_TRACK}\s*,\s*count\s+{_NUMBER}\s*,\s*seconds\s+{_NUMBER}",
    "within": rf"-?[0-9]{{1,5}}|{_NAME}",
}
VALUES = {keyword: re.compile(pattern).fullmatch for keyword, pattern in _PATTERNS.items()}
"""What follows the keywords that most rules have; of the others Suricata alone knows."""
ONCE = frozenset(("classtype", "gid", "msg", "priority", "rev", "sid"))
OF_CONTENT = frozenset(
    ("depth", "distance", "endswith", "fast_pattern", "nocase", "offset", "startswith", "within")
)
"""Keywords about a content before them."""
