"""Asterisk configuration of the two lab instances, as text; the product's own part comes from `dialplans/`.

Every address is 127.0.0.1. The files that Asterisk asks for at its start exist even where they say nothing, so that a
line in the log means something.
"""

from collections.abc import Mapping

from saikoku.lab import carrier

# Both instances; a name this Asterisk series lacks is passed over.
MODULES = (
    # timing, music and formats first: others use them while loading
    *("res_timing_timerfd", "res_musiconhold", "format_wav", "format_sln", "format_pcm", "format_gsm"),
    *("codec_ulaw", "codec_alaw", "codec_gsm", "codec_resample"),
    *("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject", "res_rtp_asterisk"),
    *("res_pjsip", "res_pjsip_session", "res_pjsip_pubsub", "res_pjsip_outbound_publish"),
    *("res_pjsip_endpoint_identifier_user", "res_pjsip_endpoint_identifier_ip", "res_pjsip_authenticator_digest"),
    *("res_pjsip_registrar", "res_pjsip_caller_id", "res_pjsip_sdp_rtp", "res_pjsip_rfc3326", "res_pjsip_dtmf_info"),
    *("res_pjsip_nat", "res_pjsip_header_funcs", "res_pjsip_outbound_authenticator_digest", "res_pjsip_refer"),
    *("res_pjsip_diversion", "res_pjsip_path", "res_pjsip_acl", "res_pjsip_maintenance", "res_pjsip_dlg_options"),
    *(
        "chan_pjsip",
        "bridge_simple",
        "bridge_softmix",
        "bridge_native_rtp",
        "bridge_holding",
        "bridge_builtin_features",
    ),
    *("pbx_config", "res_speech", "res_agi", "res_clioriginate", "res_cdrel_custom", "cdr_csv", "cel_custom"),
    *(
        "app_confbridge",
        "app_mixmonitor",
        "app_chanspy",
        "app_dial",
        "app_stack",
        "app_db",
        "app_exec",
        "app_userevent",
    ),
    *("app_playback", "app_playtones", "app_verbose", "app_cdr", "app_read", "app_senddtmf", "app_while", "app_echo"),
    *("func_callerid", "func_channel", "func_db", "func_logic", "func_strings", "func_cdr", "func_cut", "func_math"),
    *("func_dialplan", "func_groupcount", "func_global", "func_uri", "func_timeout", "func_hangupcause", "func_uuid"),
    *(
        "func_periodic_hook",
        "func_module",
        "app_amd",
        "app_waitforsilence",
        "func_pjsip_endpoint",
        "func_pjsip_contact",
        "func_pjsip_aor",
        "func_devstate",
    ),
)

_SILENT = ("ccss.conf", "udptl.conf", "cli_aliases.conf")  # only their presence is asked for


def common(rtp: tuple[int, int]) -> dict[str, str]:
    """What both instances say alike; `rtp` is the first and last port for voice."""
    return {
        **dict.fromkeys(_SILENT, "[general]\n"),
        "acl.conf": "; none\n",
        "pjproject.conf": "[startup]\ntype = startup\nlog_level = 2\n",
        # 16 is happy without these, 22 asks for the names
        "stasis.conf": "[threadpool]\n[declined_message_types]\n",
        "features.conf": "[general]\n[featuremap]\n[applicationmap]\n",
        "indications.conf": "[general]\ncountry = jp\n[jp]\ndescription = Japan\nringcadence = 1000,2000\n"
        "dial = 400\nbusy = 400/500,0/500\nring = 400+15/1000,0/2000\ncongestion = 400/500,0/500\n",
        "amd.conf": "[general]\n",  # app_amd does not load without it; its own choices are used
        "rtp.conf": f"[general]\nrtpstart = {rtp[0]}\nrtpend = {rtp[1]}\nstrictrtp = no\n",
        "cdr.conf": "[general]\nenable = yes\nunanswered = yes\n[csv]\nusegmtime = yes\nloguniqueid = yes\n"
        "loguserfield = yes\nnewcdrcolumns = yes\n",
        "cel.conf": "[general]\nenable = yes\napps = confbridge,userevent\nevents = CHAN_START,ANSWER,HANGUP,APP_START\n",
    }


def manager(port: int, ours: str) -> str:
    """manager.conf of an instance whose AMI listens on `port`; `ours` is what comes after [general]."""
    return (
        f"[general]\nenabled = yes\nwebenabled = no\nbindaddr = 127.0.0.1\nport = {port}\n"
        f"disabledevents = Newexten,VarSet\n\n{ours}"
    )


def music(folder: str) -> str:
    """musiconhold.conf; the class must have a file, an empty one floods the log."""
    return f"[general]\n[default]\nmode = files\ndirectory = {folder}\n"


_TRANSPORT = """[global]
type = global
user_agent = saikoku-lab
endpoint_identifier_order = username,ip
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
"""

# ulaw only: the lab measures tones, and a lossy codec would colour them.
_ENDPOINT = """[{name}]
type = endpoint
transport = udp
context = {context}
disallow = all
allow = ulaw
aors = {name}
direct_media = no
send_pai = yes
trust_id_inbound = yes
{more}"""

_CONTACT = "[{name}]\ntype = aor\ncontact = sip:{user}127.0.0.1:{port}\n"


def office_pjsip(port: int, carrier_port: int, desks: tuple[str, ...], phones: Mapping[str, str]) -> str:
    """pjsip.conf of the office: the trunk, desk phones that live at the carrier, SIP phones that register."""
    parts = [_TRANSPORT.format(port=port)]
    parts.append(_ENDPOINT.format(name="carrier", context="from-carrier", more="send_connected_line = no\n"))
    parts.append(_CONTACT.format(name="carrier", user="", port=carrier_port))
    parts.append("[carrier]\ntype = identify\nendpoint = carrier\nmatch = 127.0.0.1\n")
    for desk in desks:
        parts.append(_ENDPOINT.format(name=desk, context="from-phone", more=f"callerid = {desk} <{desk}>\n"))
        parts.append(_CONTACT.format(name=desk, user=f"{desk}@", port=carrier_port))
    for phone, password in phones.items():
        more = f"auth = {phone}\ncallerid = {phone} <{phone}>\nrtp_symmetric = yes\nforce_rport = yes\n"
        parts.append(_ENDPOINT.format(name=phone, context="from-phone", more=more))
        parts.append(f"[{phone}]\ntype = aor\nmax_contacts = 1\nremove_existing = yes\n")
        parts.append(f"[{phone}]\ntype = auth\nauth_type = userpass\nusername = {phone}\npassword = {password}\n")
    return "\n".join(parts)


def office_extensions() -> str:
    """The office's own dialplan, as an admin would have it, with saikoku's two includes."""
    return """[general]
static = yes
writeprotect = yes
[globals]

#include saikoku.conf
#include saikoku-hooks.conf

; Calls from the carrier go to collection.
[from-carrier]
exten => _[+0-9]!,1,Goto(saikoku-incoming,${EXTEN},1)
exten => s,1,Goto(saikoku-incoming,s,1)

; What a phone may dial: another phone, 9 and its own seat's room (to put its standing leg up by hand), the carrier.
[from-phone]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
exten => 9,1,Goto(saikoku-seat,${CALLERID(num)},1)
exten => _0X.,1,Dial(PJSIP/${EXTEN}@carrier)
 same => n,Hangup(${HANGUPCAUSE})
"""


def carrier_pjsip(port: int, office_port: int) -> str:
    """pjsip.conf of the carrier: everything that comes is the office."""
    return "\n".join(
        [
            _TRANSPORT.format(port=port),
            _ENDPOINT.format(name="office", context="from-office", more=""),
            _CONTACT.format(name="office", user="", port=office_port),
            "[office]\ntype = identify\nendpoint = office\nmatch = 127.0.0.1\n",
        ]
    )


def carrier_files(port: int, office_port: int, ami_port: int, rtp: tuple[int, int], cel: str) -> dict[str, str]:
    """Everything in the carrier's etc folder but modules.conf; its AMI has no user, the console is enough."""
    return {
        **common(rtp),
        "pjsip.conf": carrier_pjsip(port, office_port),
        "extensions.conf": f"[general]\nstatic = yes\nwriteprotect = yes\n[globals]\n{carrier.dialplan()}",
        "manager.conf": manager(ami_port, "").replace("enabled = yes", "enabled = no"),
        "confbridge.conf": "[general]\n",
        "cel_custom.conf": f"[mappings]\n{cel}",
    }
