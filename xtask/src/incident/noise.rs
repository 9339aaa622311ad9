//! The ordinary day around the intrusion.

use jiff::Timestamp;

use super::scene::{Actor, Moment, SYSTEM, Scene, Start, Values, values};
use super::world::{Browse, Host, Routine};

/// The working day: seconds after midnight.
const MORNING: u64 = 8 * 3600;
const EVENING: u64 = 18 * 3600;

/// Writes what every host writes without an intruder.
pub(super) fn play(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let world = scene.world;
    morning(scene)?;
    for host in &world.host {
        for routine in &world.routine {
            if routine.host.as_ref().is_none_or(|name| *name == host.name) {
                run(scene, host, routine)?;
            }
        }
        services(scene, host)?;
        tasks(scene, host)?;
        defender(scene, host)?;
    }
    for browse in &world.browse {
        browsing(scene, browse)?;
    }
    office_files(scene)?;
    for _ in 0..95 {
        open_share(scene)?;
    }
    for _ in 0..130 {
        ticket(scene)?;
    }
    inventory(scene)
}

/// A time of the working day.
fn moment<'a>(scene: &mut Scene<'a>, host: &'a Host) -> anyhow::Result<Moment<'a>> {
    let second = scene.random.between(MORNING, EVENING);
    at(scene, host, second)
}

fn at<'a>(scene: &mut Scene<'a>, host: &'a Host, second: u64) -> anyhow::Result<Moment<'a>> {
    let midnight: Timestamp = format!("{}T00:00:00Z", scene.world.day).parse()?;
    let ticks = scene.random.between(0, 10_000_000);
    let nanos = i128::from(second) * 1_000_000_000 + i128::from(ticks) * 100;
    let time = Timestamp::from_nanosecond(midnight.as_nanosecond() + nanos)?;
    Ok(Moment { host, time })
}

/// m.keller arrives and logs on at the workstation.
fn morning(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    for user in &scene.world.user {
        let Some(seat) = &user.seat else {
            continue;
        };
        let host = scene.world.host(seat)?;
        let start = at(scene, host, 7 * 3600 + 57 * 60)?;
        let winlogon = values([
            ("LogonType", "2"),
            ("LogonProcessName", "User32 "),
            ("AuthenticationPackageName", "Negotiate"),
            ("WorkstationName", &host.name),
            ("ProcessName", r"C:\Windows\System32\svchost.exe"),
            ("ProcessId", "0x5c8"),
            ("IpAddress", "127.0.0.1"),
            ("IpPort", "0"),
            ("ElevatedToken", "%%1843"),
        ]);
        scene.new_session(host, &user.name);
        scene.record(start, ("security", 4624), Actor::user(&user.name), &winlogon)?;
        if user.admin {
            scene.record(start.later(0.001), ("security", 4672), Actor::user(&user.name), &Values::new())?;
        }
        let shell = r"C:\Windows\explorer.exe";
        let userinit = r"C:\Windows\System32\userinit.exe";
        let explorer = Start {
            name: shell,
            parent: userinit,
            user: &user.name,
            image: shell,
            command: r"C:\Windows\Explorer.EXE",
            integrity: "",
        };
        scene.start(start.later(2.2), explorer)?;
    }
    Ok(())
}

/// A program that runs now and then, and what Sysmon sees of it.
fn run<'a>(scene: &mut Scene<'a>, host: &'a Host, routine: &Routine) -> anyhow::Result<()> {
    for _ in 0..routine.per_day {
        let moment = moment(scene, host)?;
        let user = routine.user.as_deref().unwrap_or(SYSTEM);
        let start = Start {
            name: "",
            parent: &routine.parent,
            user,
            image: &routine.image,
            command: &routine.command,
            integrity: "",
        };
        scene.start(moment, start)?;
        if user == SYSTEM && scene.random.between(0, 3) == 0 {
            let load = values([
                ("ImageLoaded", r"C:\Windows\System32\wbem\wmiutils.dll"),
                ("FileVersion", "10.0.19041.3636 (WinBuild.160101.0800)"),
                ("Description", "WMI"),
                ("Product", "Microsoft® Windows® Operating System"),
                ("Company", "Microsoft Corporation"),
                ("OriginalFileName", "wmiutils.dll"),
            ]);
            scene.record(moment.later(0.3), ("sysmon", 7), Actor::process(user, ""), &load)?;
        }
    }
    Ok(())
}

/// Services start and stop; each start is a logon of SYSTEM.
fn services<'a>(scene: &mut Scene<'a>, host: &'a Host) -> anyhow::Result<()> {
    let world = scene.world;
    for _ in 0..30 {
        let moment = moment(scene, host)?;
        let service = scene.random.pick(&world.service)?;
        let logon = values([
            ("SubjectUserSid", "S-1-5-18"),
            ("SubjectUserName", &format!("{}$", host.name)),
            ("SubjectDomainName", &world.domain),
            ("SubjectLogonId", "0x3e7"),
            ("TargetUserName", "SYSTEM"),
            ("TargetDomainName", "NT AUTHORITY"),
            ("LogonType", "5"),
            ("LogonProcessName", "Advapi  "),
            ("AuthenticationPackageName", "Negotiate"),
            ("ProcessId", "0x2a8"),
            ("ProcessName", r"C:\Windows\System32\services.exe"),
        ]);
        scene.record(moment, ("security", 4624), Actor::system(), &logon)?;
        let privileges = values([("SubjectUserName", "SYSTEM"), ("SubjectDomainName", "NT AUTHORITY")]);
        scene.record(moment.later(0.0002), ("security", 4672), Actor::system(), &privileges)?;
        let lasting = f64::from(u32::try_from(scene.random.between(60, 900))?);
        for (moment, state) in [(moment.later(0.2), "running"), (moment.later(lasting), "stopped")] {
            let binary = format!("{}/{}\0", service.name, if state == "running" { 4 } else { 1 });
            let fields = values([("param1", &service.name), ("param2", state), ("Binary", &binary)]);
            scene.record(moment, ("system", 7036), Actor::system(), &fields)?;
        }
    }
    let update = values([
        ("ServiceName", "Microsoft Edge Update Service (edgeupdate)"),
        ("ImagePath", r#""C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe" /svc"#),
        ("StartType", "auto start"),
    ]);
    let moment = at(scene, host, 9 * 3600 + 14 * 60)?;
    scene.record(moment, ("system", 7045), Actor::system(), &update).map(drop)
}

fn tasks<'a>(scene: &mut Scene<'a>, host: &'a Host) -> anyhow::Result<()> {
    let world = scene.world;
    let registered = values([("TaskName", r"\Microsoft\Windows\UpdateOrchestrator\AC Power Download")]);
    let early = at(scene, host, 8 * 3600 + 120)?;
    scene.record(early, ("tasks", 106), Actor::system(), &registered)?;
    for _ in 0..55 {
        let moment = moment(scene, host)?;
        let task = scene.random.pick(&world.task)?;
        let instance = scene.guid().to_string();
        let run =
            values([("TaskName", &task.name), ("ActionName", &task.action), ("TaskInstanceId", &instance)]);
        let lasting = f64::from(u32::try_from(scene.random.between(1, 40))?);
        scene.record(moment, ("tasks", 200), Actor::system(), &run)?;
        scene.record(moment.later(lasting), ("tasks", 201), Actor::system(), &run)?;
    }
    Ok(())
}

/// Every hour a sign of life, twice a day new signatures.
fn defender<'a>(scene: &mut Scene<'a>, host: &'a Host) -> anyhow::Result<()> {
    for hour in 8..18 {
        let alive = values([("Security intelligence version", "1.407.512.0")]);
        let moment = at(scene, host, hour * 3600 + 12 * 60)?;
        scene.record(moment, ("defender", 1150), Actor::system(), &alive)?;
    }
    for (hour, old, new) in [(8, "1.407.488.0", "1.407.505.0"), (12, "1.407.505.0", "1.407.512.0")] {
        let update = values([
            ("Current security intelligence Version", new),
            ("Previous security intelligence Version", old),
        ]);
        let moment = at(scene, host, hour * 3600 + 31 * 60)?;
        scene.record(moment, ("defender", 2000), Actor::system(), &update)?;
    }
    Ok(())
}

/// Names are looked up and connected to.
fn browsing(scene: &mut Scene<'_>, browse: &Browse) -> anyhow::Result<()> {
    let world = scene.world;
    let host = world.host("WS01")?;
    let places: Vec<_> = browse.names.iter().zip(&browse.addresses).collect();
    for _ in 0..browse.per_day {
        let moment = moment(scene, host)?;
        let &(name, address) = scene.random.pick(&places)?;
        let actor = Actor::process("m.keller", &browse.image);
        let query = values([("QueryName", name), ("QueryResults", &format!("::ffff:{address};"))]);
        scene.record(moment, ("sysmon", 22), actor, &query)?;
        let connection = values([("DestinationIp", address), ("DestinationPortName", "https")]);
        scene.record(moment.later(0.08), ("sysmon", 3), actor, &connection)?;
    }
    Ok(())
}

/// Office and the shell write files and settings.
fn office_files(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let world = scene.world;
    let host = world.host("WS01")?;
    let excel = r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE";
    for number in 0..40 {
        let moment = moment(scene, host)?;
        let file = format!(r"C:\Users\m.keller\AppData\Roaming\Microsoft\Office\Recent\{number:02}.LNK");
        let actor = Actor::process("m.keller", excel);
        scene.record(moment, ("sysmon", 11), actor, &values([("TargetFilename", &file)]))?;
        let sid = scene.sid("m.keller");
        let key =
            format!(r"HKU\{sid}\Software\Microsoft\Office\16.0\Excel\File MRU\Item {}", number % 10 + 1);
        let set = values([("TargetObject", &key), ("Details", r"[F00000000]\\FS01\Finance\2026")]);
        scene.record(moment.later(0.2), ("sysmon", 13), actor, &set)?;
    }
    Ok(())
}

/// Someone opens files on the file server: a ticket at the controller, a logon, a share, its files.
fn open_share(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let world = scene.world;
    let (server, controller) = (world.host("FS01")?, world.host("DC01")?);
    let people: Vec<_> = world.user.iter().filter(|user| !user.roast && !user.admin).collect();
    let user = scene.random.pick(&people)?;
    let share = scene.random.pick(&world.share)?;
    let address = format!("10.10.1.{}", 14 + u64::from(user.rid % 100));
    let port = scene.random.between(49_152, 65_535).to_string();
    let moment = moment(scene, server)?;
    let ticket = values([
        ("TargetUserName", &format!("{}@{}", user.name, world.realm)),
        ("ServiceName", "FS01$"),
        ("ServiceSid", &scene.sid("FS01$")),
        ("IpAddress", &format!("::ffff:{address}")),
        ("IpPort", &port),
    ]);
    let there = Moment { host: controller, time: moment.time };
    scene.record(there, ("security", 4769), Actor::system(), &ticket)?;
    let actor = Actor::user(&user.name);
    network_logon(scene, moment.later(0.02), &user.name, &address)?;
    let name = format!(r"\\*\{}", share.name);
    let source = [
        ("IpAddress", address.as_str()),
        ("IpPort", &port),
        ("ShareName", &name),
        ("ShareLocalPath", &share.path),
    ];
    scene.record(moment.later(0.05), ("security", 5140), actor, &values(source))?;
    let mut time = 0.1;
    for _ in 0..2 {
        let file = scene.random.pick(&share.files)?;
        let mut fields = values(source);
        fields.insert("RelativeTargetName".to_owned(), file.clone());
        scene.record(moment.later(time), ("security", 5145), actor, &fields)?;
        time += 1.7;
    }
    let logoff = values([("LogonType", "3")]);
    scene.record(moment.later(12.0), ("security", 4634), actor, &logoff).map(drop)
}

fn network_logon<'a>(
    scene: &mut Scene<'a>,
    moment: Moment<'a>,
    user: &str,
    address: &str,
) -> anyhow::Result<()> {
    let port = scene.random.between(49_152, 65_535).to_string();
    let guid = scene.guid().to_string();
    let logon = values([
        ("LogonType", "3"),
        ("LogonProcessName", "Kerberos"),
        ("AuthenticationPackageName", "Kerberos"),
        ("LogonGuid", &guid),
        ("IpAddress", address),
        ("IpPort", &port),
    ]);
    scene.new_session(moment.host, user);
    scene.record(moment, ("security", 4624), Actor::user(user), &logon).map(drop)
}

/// An account signs in to the domain and asks for a service.
fn ticket(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let world = scene.world;
    let controller = world.host("DC01")?;
    let machines = world.host.iter().map(|host| (format!("{}$", host.name), host.address.clone()));
    let people = world.user.iter().map(|user| {
        let address = format!("10.10.1.{}", 14 + u64::from(user.rid % 100));
        (user.name.clone(), address)
    });
    let accounts: Vec<(String, String)> = machines.chain(people).collect();
    let (account, address) = scene.random.pick(&accounts)?;
    let moment = moment(scene, controller)?;
    let client = format!("::ffff:{address}");
    let port = scene.random.between(49_152, 65_535).to_string();
    let granting = values([
        ("TargetUserName", account),
        ("TargetSid", &scene.sid(account)),
        ("ServiceSid", &world.domain_sid(502)),
        ("IpAddress", &client),
        ("IpPort", &port),
    ]);
    scene.record(moment, ("security", 4768), Actor::system(), &granting)?;
    let guid = scene.guid().to_string();
    let service = values([
        ("TargetUserName", &format!("{account}@{}", world.realm)),
        ("ServiceName", "DC01$"),
        ("ServiceSid", &scene.sid("DC01$")),
        ("IpAddress", &client),
        ("IpPort", &port),
        ("LogonGuid", &guid),
    ]);
    scene.record(moment.later(0.01), ("security", 4769), Actor::system(), &service)?;
    network_logon(scene, moment.later(0.03), account, address)?;
    let logoff = values([("LogonType", "3")]);
    scene.record(moment.later(9.0), ("security", 4634), Actor::user(account), &logoff).map(drop)
}

/// adm.brandt's own scripts take stock of every host.
fn inventory(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let shell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
    for (number, host) in (0..).zip(&scene.world.host) {
        for hour in [9, 12, 16] {
            let moment = at(scene, host, hour * 3600 + 5 * 60 + number * 47)?;
            let command = r#""C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -File C:\Scripts\Inventory.ps1"#;
            let start = Start {
                name: "inventory",
                parent: r"C:\Windows\System32\svchost.exe",
                user: "adm.brandt",
                image: shell,
                command,
                integrity: "High",
            };
            scene.start(moment, start)?;
            let actor = Actor::process("adm.brandt", "inventory");
            scene.record(moment.later(0.6), ("windows-powershell", 400), actor, &Values::new())?;
            let script = values([
                (
                    "ScriptBlockText",
                    "$bios = Get-CimInstance -ClassName Win32_BIOS\r\n$disks = Get-CimInstance -ClassName \
                     Win32_LogicalDisk\r\nGet-HotFix | Sort-Object InstalledOn | Select-Object -Last 5 | \
                     Export-Csv \\\\FS01\\Inventory\\$env:COMPUTERNAME.csv",
                ),
                ("Path", r"C:\Scripts\Inventory.ps1"),
            ]);
            scene.record(moment.later(0.9), ("powershell", 4104), actor, &script)?;
            for (number, cmdlet) in (0..).zip(["Get-CimInstance", "Get-HotFix", "Sort-Object", "Export-Csv"])
            {
                let payload = format!("CommandInvocation({cmdlet}): \"{cmdlet}\"\r\n");
                let later = moment.later(1.2 + 0.4 * f64::from(number));
                scene.record(later, ("powershell", 4103), actor, &values([("Payload", &payload)]))?;
            }
        }
    }
    Ok(())
}
