"""What the errors of stores mean.

Belongs here: telling from an error of obstore, polars or the operating system what is wrong and what a person can do,
and whether it may pass by itself. Does not belong here: trying again (`s3`).

Both libraries tell what happened in the text of their errors alone, so that text is what is looked at. Neither puts
credentials there; the address that it names is shortened to its server, for a query might hold a signature.
"""

import re

from html_classification.printable import printable

_CREDENTIALS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the AWS profile"
#: By S3's error code: what is wrong, what to do.
_CODES = {
    "NoSuchBucket": ("there is no such bucket", "check the bucket's name and AWS_ENDPOINT_URL_S3, or create it"),
    "NoSuchKey": ("there is no such object", "check the address"),
    "AccessDenied": ("access denied", "these credentials may not do that: ask for the right, or set AWS_PROFILE"),
    "SignatureDoesNotMatch": ("the credentials are refused", _CREDENTIALS),
    "InvalidAccessKeyId": ("the credentials are refused", _CREDENTIALS),
    "InvalidToken": ("the credentials are refused", _CREDENTIALS),
    "ExpiredToken": ("the credentials have expired", "renew them"),
    "RequestTimeTooSkewed": ("the clocks differ too much", "set this machine's clock"),
    "PermanentRedirect": ("the bucket is in another region", "set AWS_REGION to the bucket's"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "set AWS_REGION to the bucket's"),
}
_REACH = "check AWS_ENDPOINT_URL_S3 and that the server runs, then run again"
#: By words of a transport error: what is wrong.
_TRANSPORT = (
    ("Connection refused", "connection refused"),
    ("dns error", "its name is not known"),
    ("ConnectionReset", "the connection was lost"),
    ("Connection reset", "the connection was lost"),
    ("TimedOut", "no answer in time"),
    ("timed out", "no answer in time"),
    ("ertificate", "its certificate is not trusted"),
    ("IncompleteMessage", "the connection was lost"),
)
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_SERVER = re.compile(r"https?://[^/\s?,]+")
_TRIED = re.compile(r"after (\d+) retries")

#: By the words of the operating system: what to do.
_DISK = (
    ("No space left", "free some space, then run again"),
    ("quota", "free some space, then run again"),
    ("File too large", "files may not grow so large here: raise the limit (ulimit -f), then run again"),
    ("Permission denied", "check who may read and write there"),
    ("not permitted", "check who may read and write there"),
    ("Read-only", "it cannot be written to: mount it for writing, or take another folder"),
    ("Too many open files", "raise the limit (ulimit -n)"),
)


def may_pass(error: Exception) -> bool:
    """Whether an error may pass by itself and nobody tried again yet, as obstore does for most of what it reads."""
    text = str(error)
    if _TRIED.search(text):
        return False
    status = _STATUS.search(text)
    return status[1][0] == "5" or status[1] in ("409", "429") if status else "HTTP error" in text


def explain(error: Exception, *, is_s3: bool) -> str:
    """What an error of a store means, and what to do: one line."""
    if "invalid path" in str(error):  # a name with control characters, or in another encoding than UTF-8
        return f"{printable(str(error).partition('Debug source')[0].strip())}; rename that file"
    return _explain_s3(error) if is_s3 else _explain_disk(error)


def _explain_s3(error: Exception) -> str:
    text = str(error)
    status, code, server, tried = (found.search(text) for found in (_STATUS, _CODE, _SERVER, _TRIED))
    if status:
        answer = f"{status[1]} {code[1]}" if code else status[1]
        if code and code[1] in _CODES:
            reason, advice = _CODES[code[1]]
            return f"{reason} ({answer}); {advice}"
        if status[1][0] == "5" or status[1] == "429":
            after = f", after {tried[1]} retries" if tried else ""
            return f"{server[0] if server else 'the server'} answers {answer}{after}; run again later"
        if status[1] in ("401", "403"):
            return f"access denied ({answer}); {_CREDENTIALS}"
        return f"{server[0] if server else 'the server'} answers {answer}; check the bucket and the AWS_* variables"
    if "HTTP error" in text:
        reason = next((meaning for words, meaning in _TRANSPORT if words in text), "the connection failed")
        return f"no answer from {server[0] if server else 'the server'} ({reason}); {_REACH}"
    first = (text.strip().splitlines() or [type(error).__name__])[0].strip()
    return f"{first}; check the bucket, the AWS_* variables and the endpoint"


def _explain_disk(error: Exception) -> str:
    text = str(error)
    reason = (text.splitlines() or [type(error).__name__])[0].strip()
    return f"{reason}; {next((advice for words, advice in _DISK if words in text), 'check the folder')}"
