//! Tasks of Windows' Task Scheduler, by its own program and a description in XML.

use std::env;
use std::path::Path;

use super::{Plan, Task, When};

/// With what a file in UTF-16 begins, which the scheduler asks for.
pub(super) const BYTE_ORDER: [u8; 2] = [0xff, 0xfe];
/// The folder of the scheduler in which the tasks are.
const FOLDER: &str = "evtmap";
/// The account of the system, which may read every log.
const SYSTEM: &str = "S-1-5-18";

pub(super) fn install(task: &Task) -> Plan {
    let description = env::temp_dir().join(format!("evtmap-task-{}.xml", task.name));
    let create = ["schtasks.exe", "/Create", "/F", "/TN", &full_name(&task.name), "/XML"];
    let mut create: Vec<String> = create.into_iter().map(str::to_owned).collect();
    create.push(description.display().to_string());
    let text = xml(task);
    let content = text.encode_utf16().flat_map(u16::to_le_bytes);
    Plan {
        written: vec![(description.clone(), BYTE_ORDER.into_iter().chain(content).collect())],
        commands: vec![create],
        removed: vec![description],
    }
}

pub(super) fn uninstall(name: &str) -> Plan {
    let delete = ["schtasks.exe", "/Delete", "/F", "/TN", &full_name(name)];
    Plan { commands: vec![delete.into_iter().map(str::to_owned).collect()], ..Plan::default() }
}

fn full_name(name: &str) -> String {
    format!("\\{FOLDER}\\{name}")
}

/// The task as the scheduler reads it; the order of elements is that of its schema.
fn xml(task: &Task) -> String {
    let trigger = match task.when {
        When::AtStart => "<BootTrigger><Enabled>true</Enabled></BootTrigger>".to_owned(),
        When::Daily(time) => format!(
            "<CalendarTrigger><StartBoundary>2026-01-01T{}</StartBoundary>\
             <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>",
            time.strftime("%H:%M:%S")
        ),
        When::Every(span) => format!(
            "<TimeTrigger><Repetition><Interval>PT{}M</Interval></Repetition>\
             <StartBoundary>2026-01-01T00:00:00</StartBoundary></TimeTrigger>",
            span.as_mins()
        ),
    };
    let (limit, restart) = match task.when {
        When::AtStart => {
            ("PT0S", "<RestartOnFailure><Interval>PT1M</Interval><Count>10</Count></RestartOnFailure>")
        }
        When::Daily(_) | When::Every(_) => ("PT12H", ""),
    };
    let arguments: Vec<String> = task.arguments.iter().map(|argument| quoted(argument)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
         <RegistrationInfo><Description>evtmap: {}</Description></RegistrationInfo>\r\n\
         <Triggers>{trigger}</Triggers>\r\n\
         <Principals><Principal id=\"Author\"><UserId>{SYSTEM}</UserId>\
         <RunLevel>HighestAvailable</RunLevel></Principal></Principals>\r\n\
         <Settings>{restart}<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\
         <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\
         <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\
         <StartWhenAvailable>true</StartWhenAvailable>\
         <ExecutionTimeLimit>{limit}</ExecutionTimeLimit><Priority>7</Priority></Settings>\r\n\
         <Actions Context=\"Author\"><Exec><Command>{}</Command><Arguments>{}</Arguments>\
         <WorkingDirectory>{}</WorkingDirectory></Exec></Actions>\r\n</Task>\r\n",
        escaped(&task.name),
        escaped(&shown(&task.program)),
        escaped(&arguments.join(" ")),
        escaped(&shown(&task.folder)),
    )
}

/// A path without the prefix of the long form, which the scheduler does not know.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix(r"\\?\").map_or(text.clone(), str::to_owned)
}

/// An argument as programs of Windows take a command line apart: a backslash counts as one unless it stands
/// before a quotation mark. Source: Microsoft's rules for `CommandLineToArgvW`.
fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '\n', '"']) {
        return argument.to_owned();
    }
    let mut out = "\"".to_owned();
    let mut n_backslashes = 0;
    for char in argument.chars() {
        match char {
            '\\' => n_backslashes += 1,
            '"' => {
                out.extend(std::iter::repeat_n('\\', 2 * n_backslashes + 1));
                n_backslashes = 0;
                out.push('"');
            }
            char => {
                out.extend(std::iter::repeat_n('\\', n_backslashes));
                n_backslashes = 0;
                out.push(char);
            }
        }
    }
    out.extend(std::iter::repeat_n('\\', 2 * n_backslashes));
    out.push('"');
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::time;

    use super::super::tests::{check, task};
    use super::*;

    #[test]
    fn the_task() {
        let task =
            task(When::Daily(time(3, 30, 0, 0)), &["map", "--live", "all", "-o", r"C:\my reports\a&b.jsonl"]);
        let text = xml(&task);
        for part in [
            "<StartBoundary>2026-01-01T03:30:00</StartBoundary>",
            "<UserId>S-1-5-18</UserId>",
            r#"<Arguments>map --live all -o "C:\my reports\a&amp;b.jsonl"</Arguments>"#,
            "<WorkingDirectory>/srv</WorkingDirectory>",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let plan = install(&task);
        assert_eq!(plan.commands[0][..5], ["schtasks.exe", "/Create", "/F", "/TN", r"\evtmap\nightly"]);
        assert_eq!(super::super::text(&plan.written[0].1), text);
        assert_eq!(plan.removed, [plan.written[0].0.clone()]);
        check(&uninstall("nightly"), r"Run schtasks.exe /Delete /F /TN \evtmap\nightly");
    }

    #[test]
    fn when_it_runs() {
        let every = xml(&task(When::Every(SignedDuration::from_mins(90)), &[]));
        assert!(every.contains("<Interval>PT90M</Interval>"), "{every}");
        let start = xml(&task(When::AtStart, &[]));
        assert!(start.contains("<BootTrigger>") && start.contains("PT0S"), "{start}");
    }

    #[test]
    fn arguments_come_apart_as_they_were() {
        for (argument, expected) in [
            ("map", "map"),
            ("", r#""""#),
            (r"C:\a b\", r#""C:\a b\\""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"a\"b c"#, r#""a\\\"b c""#),
            (r"C:\a\b", r"C:\a\b"),
        ] {
            assert_eq!(quoted(argument), expected, "{argument}");
        }
    }
}
