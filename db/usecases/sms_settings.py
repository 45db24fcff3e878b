"""What the settings say of messages: for the panel, which checks texts while they are written, and for the sender."""

from db.rules.texts.lint import LintPolicy
from db.rules.texts.parts import Allowance, Joining
from db.settings import Settings, SmppSettings
from db.usecases.sms import Wording


def allowance_of(carrier: SmppSettings) -> Allowance:
    """What one carrier takes."""
    return Allowance(Joining(carrier.joining), carrier.longest, carrier.gsm7)


def wording_of(settings: Settings) -> Wording:
    """What may be written, whichever of the carriers a message goes to: it may be no longer than the strictest takes."""
    policy = LintPolicy(more_words=tuple(settings.sms.words.split()), hosts=tuple(settings.sms.hosts.split()))
    each = [allowance_of(carrier) for carrier in settings.carriers.values()] or [Allowance()]
    strictest = Allowance(
        joining=min((one.joining for one in each), key=[Joining.UDH16, Joining.UDH8, Joining.PAYLOAD].index),
        longest=min(one.longest for one in each),
        gsm7=all(one.gsm7 for one in each),
    )
    return Wording(policy, strictest)
