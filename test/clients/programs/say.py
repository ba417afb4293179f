"""Prints one line an act: its name, a tab, and what came of it as JSON."""
import datetime, decimal, json, os, uuid

here = os.path.dirname(os.path.abspath(__file__))
statements = json.load(open(os.path.join(here, "statements.json")))

def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    return value

def said(row):
    return plain(row)

def say(act, value):
    print(act + "\t" + json.dumps(plain(value), ensure_ascii=True), flush=True)
