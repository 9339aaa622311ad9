//! Tables as programs write them: text in, events out.

use jiff::tz::TimeZone;

use crate::input::InputOptions;
use crate::input::tests::dump;

/// What the CSV of a program gives, one line an event.
#[track_caller]
fn check_table(content: &str, expected: &[&str]) {
    check_table_with(content, &InputOptions::default(), expected);
}

#[track_caller]
fn check_table_with(content: &str, options: &InputOptions, expected: &[&str]) {
    let found = dump("csv", content.as_bytes(), options);
    let mut lines: Vec<String> = Vec::new();
    for line in found.lines() {
        match (line.split_once(' '), lines.last_mut()) {
            (Some(("System" | "Data" | "message", _)), Some(last)) => {
                let short =
                    [("System ", ""), ("Provider_Name", "Provider"), ("TimeCreated_SystemTime", "Time")];
                let line = short.iter().fold(line.to_owned(), |line, (from, to)| line.replacen(from, to, 1));
                *last += &format!("; {line}");
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let lines: Vec<&str> =
        lines.iter().map(|line| line.split_once("; ").map_or(line.as_str(), |(_, rest)| rest)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn get_win_event_as_csv() {
    check_table(
        "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n\
         \"Message\",\"Id\",\"Version\",\"Qualifiers\",\"Level\",\"Task\",\"Opcode\",\"Keywords\",\"RecordId\",\"ProviderName\",\"ProviderId\",\"LogName\",\"ProcessId\",\"ThreadId\",\"MachineName\",\"UserId\",\"TimeCreated\",\"ActivityId\",\"RelatedActivityId\",\"ContainerLog\",\"MatchedQueryIds\",\"Bookmark\",\"LevelDisplayName\",\"OpcodeDisplayName\",\"TaskDisplayName\",\"KeywordsDisplayNames\",\"Properties\"\r\n\
         \"The SNMP service entered the running state.\",\"7036\",\"0\",\"16384\",\"4\",\"0\",\"0\",\"-9187343239835811840\",\"812\",\"Service Control Manager\",\"555908d1-a6d7-4695-8e1e-26931d2012f4\",\"System\",\"612\",\"7640\",\"WS01\",\"\",\"3/2/2026 8:00:00 AM\",\"\",\"\",\"system\",\"System.UInt32[]\",\"System.Diagnostics.Eventing.Reader.EventBookmark\",\"Information\",\"Info\",\"\",\"System.Collections.ObjectModel.ReadOnlyCollection`1[System.String]\",\"System.Collections.Generic.List`1[System.Diagnostics.Eventing.Reader.EventProperty]\"\r\n",
        &[
            r#"EventID "7036"; Version "0"; EventID_Qualifiers "16384"; Level "4"; Task "0"; Opcode "0"; Keywords "0x8080000000000000"; EventRecordID "812"; Provider "Service Control Manager"; Provider_Guid "555908d1-a6d7-4695-8e1e-26931d2012f4"; Channel "System"; Execution_ProcessID "612"; Execution_ThreadID "7640"; Computer "WS01"; Time "2026-03-02T08:00:00Z"; Data param1 "SNMP"; Data param2 "running"; message "The SNMP service entered the running state.""#,
        ],
    );
}

#[test]
fn get_event_log_as_csv() {
    check_table(
        "#TYPE System.Diagnostics.EventLogEntry#System/Service Control Manager/1073748860\n\
         \"EventID\",\"MachineName\",\"Data\",\"Index\",\"Category\",\"CategoryNumber\",\"EntryType\",\"Message\",\"Source\",\"ReplacementStrings\",\"InstanceId\",\"TimeGenerated\",\"TimeWritten\",\"UserName\",\"Site\",\"Container\"\n\
         \"7036\",\"WS01\",\"System.Byte[]\",\"812\",\"(0)\",\"0\",\"Information\",\"The SNMP service entered the running state.\",\"Service Control Manager\",\"System.String[]\",\"1073748860\",\"14.03.2026 08:00:00\",\"14.03.2026 08:00:00\",\"NT AUTHORITY\\SYSTEM\",,\n",
        &[
            r#"EventID "7036"; Computer "WS01"; EventRecordID "812"; TaskCategory "(0)"; Task "0"; Level "Information"; Provider "Service Control Manager"; Time "2026-03-14T08:00:00Z"; Data User "NT AUTHORITY\\SYSTEM"; Channel "System"; Data param1 "SNMP"; Data param2 "running"; message "The SNMP service entered the running state.""#,
        ],
    );
}

#[test]
fn evtxecmd_as_csv() {
    let header = "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,ProcessId,ThreadId,Computer,ChunkNumber,UserId,MapDescription,UserName,RemoteHost,PayloadData1,PayloadData2,ExecutableInfo,HiddenRecord,SourceFile,Keywords,ExtraDataOffset,Payload";
    let row = |id: u32, payload: &str| {
        let payload = payload.replace('"', "\"\"");
        format!(
            "1,812,2026-03-02 08:00:00.1234567,{id},Info,P,C,612,7640,WS01,0,S-1-5-18,Text,x,y,a,b,cmd,False,D:\\x.evtx,Classic,0,\"{payload}\""
        )
    };
    let system = |id: u32| {
        format!(
            r#"EventRecordID "812"; Time "2026-03-02T08:00:00.1234567Z"; EventID "{id}"; Level "Info"; Provider "P"; Channel "C"; Execution_ProcessID "612"; Execution_ThreadID "7640"; Computer "WS01"; Security_UserID "S-1-5-18"; Keywords "Classic""#
        )
    };
    let text = [
        header.to_owned(),
        row(1, r##"{"EventData":{"Data":[{"@Name":"Image","#text":"C:\\x.exe"},{"@Name":"Empty"},{"@Name":"N","#text":5}]}}"##),
        row(2, r#"{"UserData":{"LogFileCleared":{"@xmlns":"y","SubjectUserName":"ada","Channel":"Security"}}}"#),
        row(3, r#"{"EventData":{"Data":["a","b"],"Binary":"00"}}"#),
        row(4, r#"{"EventData":null}"#),
        row(5, r#"{"EventData":{"#),
        row(6, ""),
    ]
    .join("\n");
    let zone = InputOptions { timezone: TimeZone::fixed(jiff::tz::offset(5)), ..InputOptions::default() };
    check_table_with(
        &text,
        &zone,
        &[
            &format!(r#"{}; Data Image "C:\\x.exe"; Data Empty ""; Data N "5""#, system(1)),
            &format!(r#"{}; Data SubjectUserName "ada"; Data Channel "Security""#, system(2)),
            &format!(r#"{}; Data Data "a"; Data Data "b"; Data Binary "00""#, system(3)),
            &system(4),
            "line 6: EOF while parsing an object at line 1 column 14 [csv-payload]",
            &system(6),
        ],
    );
}

#[test]
fn splunk_as_csv() {
    check_table(
        "_time,EventCode,LogName,ComputerName,SourceName,Message,Account_Name,_raw,host\n\
         2026-03-02T09:00:00.000+0100,7036,System,WS01,Service Control Manager,The SNMP service entered the running state.,-,x,collector\n",
        &[
            r#"Time "2026-03-02T08:00:00Z"; EventID "7036"; Channel "System"; Computer "WS01"; Provider "Service Control Manager"; Data Account_Name "-"; Data param1 "SNMP"; Data param2 "running"; message "The SNMP service entered the running state.""#,
        ],
    );
    // What was exported raw.
    check_table(
        "\"_raw\",\"_time\",host\n\
         \"03/02/2026 08:00:00 AM\nLogName=System\nEventCode=7036\nComputerName=WS01\nSourceName=Service Control Manager\nKeywords=Classic\nMessage=The SNMP service entered the running state.\",2026-03-02T09:00:00.000+0100,WS01\n\
         \"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1</EventID><Channel>C</Channel></System><EventData><Data Name='Image'>x</Data></EventData></Event>\",2026-03-02T09:00:00.000+0100,WS01\n\
         nothing,2026-03-02T09:00:00.000+0100,WS01\n",
        &[
            r#"Time "2026-03-02T08:00:00Z"; Channel "System"; EventID "7036"; Computer "WS01"; Provider "Service Control Manager"; Keywords "Classic"; Data param1 "SNMP"; Data param2 "running"; message "The SNMP service entered the running state.""#,
            r#"Time "2026-03-02T08:00:00Z"; EventID "1"; Channel "C"; Data Image "x"; Computer "WS01""#,
            "line 10: the text of the event names no event id [csv-raw]",
        ],
    );
}

#[test]
fn elastic_as_csv() {
    check_table(
        "\"@timestamp\",\"winlog.event_id\",\"winlog.channel\",\"winlog.computer_name\",\"winlog.event_data.Image\",\"agent.name\",message\n\
         \"Mar 2, 2026 @ 08:00:00.123\",1,Microsoft-Windows-Sysmon/Operational,WS01,\"C:\\x.exe\",beat,\"Process Create:\"\n",
        &[
            r#"Time "2026-03-02T08:00:00.123Z"; EventID "1"; Channel "Microsoft-Windows-Sysmon/Operational"; Computer "WS01"; Data Image "C:\\x.exe"; message "Process Create:""#,
        ],
    );
}

/// Newer versions have the id under a name of their own.
#[test]
fn elastic_as_csv_with_the_code_of_the_event() {
    check_table(
        "\"@timestamp\",\"event.code\",\"winlog.channel\",\"winlog.event_data.TargetUserName\"\n2026-03-02T08:00:00Z,4720,Security,evil\n",
        &[
            r#"Time "2026-03-02T08:00:00Z"; EventID "4720"; Channel "Security"; Data TargetUserName "evil"; Provider "Microsoft-Windows-Security-Auditing""#,
        ],
    );
}

#[test]
fn tables_made_of_xml_or_json() {
    check_table(
        "Event.System.EventID;Event.System.TimeCreated.SystemTime;Event.System.Channel;Event.EventData.Image;EventData/@User\n\
         1;2026-03-02T08:00:00Z;C;x;ada\n",
        &[r#"EventID "1"; Time "2026-03-02T08:00:00Z"; Channel "C"; Data Image "x"; Data User "ada""#],
    );
    check_table(
        "TimeCreated|Id|Xml\n2026-03-02|1|\"<Event><System><EventID>1</EventID></System><EventData><Data Name='Image'>x</Data></EventData></Event>\"\n",
        &[r#"Time "2026-03-02"; EventID "1"; EventID "1"; Data Image "x""#],
    );
    // LogParser
    check_table(
        "EventLog,RecordNumber,TimeGenerated,EventID,EventTypeName,SourceName,Strings,ComputerName,SID,Message\n\
         System,812,2026-03-02 08:00:00,1,Information event,P,a|b,WS01,S-1-5-18,\n",
        &[
            r#"Channel "System"; EventRecordID "812"; Time "2026-03-02T08:00:00Z"; EventID "1"; Level "Information event"; Provider "P"; Data Data "a"; Data Data "b"; Computer "WS01"; Security_UserID "S-1-5-18""#,
        ],
    );
}

#[test]
fn columns_that_the_user_names() {
    let columns = [
        ("Nr", "EventID"),
        ("Wann", "TimeCreated_SystemTime"),
        ("Log", "Channel"),
        ("Programm", "Image"),
        ("Time", ""),
    ];
    let columns = columns.into_iter().map(|(column, field)| (column.to_owned(), field.to_owned())).collect();
    let options = InputOptions {
        columns,
        date_pattern: Some("%d|%m|%y %Hh%M".to_owned()),
        timezone: TimeZone::fixed(jiff::tz::offset(-5)),
        ..InputOptions::default()
    };
    check_table_with(
        "Nr,Wann,Log,Programm,Time,Other\n1,02|03|26 20h00,C,x,never,y\n",
        &options,
        &[r#"EventID "1"; Time "2026-03-03T01:00:00Z"; Channel "C"; Data Image "x"; Data Other "y""#],
    );
}
