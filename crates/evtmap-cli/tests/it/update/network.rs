//! Updates over the network, from a server that behaves as those of git hosts do, or worse.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::archive::one_rule;
use super::server::{Asked, Reply, Server};
use crate::program::{Folder, Run};
use crate::sample;

const UPDATE: &str = "update rules --cache-dir cache --allow-http --timeout 2 --tries 3";
const MAP: &str = "map log.csv --cache-dir cache --no-associations -o - --format jsonl --quiet";

/// A folder that is configured to fetch rules from a URL.
fn folder(url: &str) -> Folder {
    let config = format!(
        "[[update.rules]]\nname = 'ours'\nurl = '{url}'\ntoken-env = ['EVTMAP_TEST_TOKEN']\nlicence = 'Ours'\n"
    );
    Folder::new().with("log.csv", sample::CSV).with("evtmap.toml", config)
}

fn served(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> (Server, Folder) {
    let server = Server::new(answer);
    let folder = folder(&server.url("127.0.0.1", "/rules.tar.gz"));
    (server, folder)
}

/// Updates, looks whether the rule of that number is in use, and gives what was printed.
fn check_lands(folder: &Folder, number: u32) -> Run {
    let run = folder.check(UPDATE, 0);
    let mapped = folder.check(MAP, 0);
    assert!(mapped.out.contains(&format!("\"Program {number}\"")), "{}\n{}", run.out, mapped.out);
    run
}

/// An update that fails in words, and leaves in use what was there before.
fn check_fails(answer: impl Fn() -> Reply + Send + Sync + 'static, words: &str) -> usize {
    let (server, folder) = served(move |_, _| answer());
    let folder = folder.with("bad.tar.gz", one_rule(1, "bad"));
    folder.check("update rules --cache-dir cache --from bad.tar.gz", 0);
    let run = folder.check(&UPDATE.replace("--tries 3", "--tries 2"), 2);
    assert!(run.err.contains(words), "{}", run.err);
    assert!(run.err.contains("help: "), "{}", run.err);
    assert!(folder.check(MAP, 0).out.contains("\"Program 1\""));
    server.asked().len()
}

#[test]
fn only_what_is_newer_is_fetched() {
    let (server, folder) = served(|_, asked| match asked.header("if-none-match") {
        Some("\"one\"") => Reply::new(304, ""),
        _ => Reply::new(200, one_rule(1, "bad")).header("etag", "\"one\""),
    });
    let run = folder.check(&format!("{UPDATE} --check"), 0);
    assert_eq!(run.out, "rules: ours: there is something newer\n");
    assert!(!folder.path().join("cache/in-use.json").exists());
    let run = check_lands(&folder, 1);
    assert!(run.out.starts_with("rules: ours of 2026-08-01 (commit 1a2b3c4)\n"), "{}", run.out);
    assert!(run.out.contains("  licence  Ours\n"), "{}", run.out);
    let run = folder.check(UPDATE, 0);
    assert_eq!(run.out, "rules: ours of 2026-08-01 (commit 1a2b3c4); there is nothing newer\n");
    assert_eq!(folder.check(&format!("{UPDATE} --check"), 0).out, "rules: ours: there is nothing newer\n");
    assert_eq!(folder.names_in("cache/editions").len(), 1);
    assert_eq!(server.asked().len(), 4);
    // What was damaged is fetched anew, although the server's has not changed.
    for file in folder.names_in("cache/editions") {
        fs::write(folder.path().join("cache/editions").join(file).join("ours.tar.gz"), "x").unwrap();
    }
    check_lands(&folder, 1);
}

#[test]
fn a_token_goes_to_its_host_and_nowhere_else() {
    let other = Server::new(|_, _| Reply::new(200, one_rule(1, "bad")));
    let to = other.url("localhost", "/archive?secret=1");
    let (server, folder) = served(move |_, _| Reply::new(301, "").header("location", &to));
    let mut update = folder.command(UPDATE);
    let run = Run::of(update.env("EVTMAP_TEST_TOKEN", "hush-hush").output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer hush-hush"));
    assert_eq!(other.asked()[0].header("authorization"), None);
    // Neither it nor what a redirect carries is shown or kept.
    let manifest = folder.names_in("cache/editions").remove(0);
    let manifest = folder.read(&format!("cache/editions/{manifest}/manifest.json"));
    for secret in ["hush-hush", "secret"] {
        assert!(![&run.out, &run.err, &manifest].into_iter().any(|text| text.contains(secret)));
    }
}

#[test]
fn a_token_is_found_in_a_file_too() {
    let (server, folder) = served(|_, _| Reply::new(200, one_rule(1, "bad")));
    check_lands(&folder.with(".env", "# ours\nEVTMAP_TEST_TOKEN='from-a-file'\n"), 1);
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer from-a-file"));
}

#[test]
fn redirects_have_an_end() {
    let n_asked = check_fails(
        || Reply::new(302, "").header("location", "/rules.tar.gz"),
        "it leads on more than 5 times",
    );
    assert_eq!(n_asked, 6);
    check_fails(
        || Reply::new(302, "").header("location", "file:///etc/passwd"),
        "it is not the address of a file",
    );
    check_fails(|| Reply::new(302, ""), "it leads nowhere");
}

#[test]
fn limits_are_told_in_plain_words() {
    let words = "0 of 60 requests are left; there are more at 2026-08-10 12:30 UTC, in 31 minutes";
    let limited = || {
        let reply =
            Reply::new(403, "").header("x-ratelimit-remaining", "0").header("x-ratelimit-limit", "60");
        reply.header("x-ratelimit-reset", "1786365000")
    };
    // Asking again would be of no use.
    assert_eq!(check_fails(limited, words), 1);
    assert_eq!(
        check_fails(|| Reply::new(429, "").header("retry-after", "3600"), "it asks to wait 3600 seconds"),
        1
    );
    assert_eq!(check_fails(|| Reply::new(404, ""), "there is nothing there (status 404)"), 1);
    assert_eq!(check_fails(|| Reply::new(503, ""), "the server cannot answer now (status 503)"), 2);
}

#[test]
fn what_passes_is_waited_for() {
    let (server, folder) = served(|number, _| match number {
        1 => Reply::new(503, ""),
        2 => Reply::new(429, "").header("retry-after", "1"),
        _ => Reply::new(200, one_rule(1, "bad")),
    });
    check_lands(&folder, 1);
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (server, folder) = served(|number, asked| {
        let whole = one_rule(1, "bad");
        let at = whole.len() / 2;
        let reply = match (number, asked.header("range")) {
            (1, _) => Reply::new(200, whole[..at].to_vec()).claiming(whole.len()),
            (_, Some(range)) if range == format!("bytes={at}-") => Reply::new(206, whole[at..].to_vec())
                .header("content-range", &format!("bytes {at}-{}/{}", whole.len() - 1, whole.len())),
            _ => Reply::new(500, ""),
        };
        reply.header("etag", "\"same\"")
    });
    check_lands(&folder, 1);
    assert_eq!(server.asked()[1].header("if-range"), Some("\"same\""));
}

#[test]
fn a_download_begins_anew_where_it_cannot_go_on() {
    // A weak tag promises nothing of the bytes, and a server need not know ranges.
    for etag in ["W/\"weak\"", "\"strong\""] {
        let (server, folder) = served(move |number, _| {
            let whole = one_rule(1, "bad");
            let reply = if number == 1 {
                Reply::new(200, whole[..whole.len() / 2].to_vec()).claiming(whole.len())
            } else {
                Reply::new(200, whole)
            };
            reply.header("etag", etag)
        });
        check_lands(&folder, 1);
        assert_eq!(server.asked()[1].header("range").is_some(), etag.starts_with('"'));
    }
}

#[test]
fn a_server_that_goes_silent_is_not_waited_for_forever() {
    let (server, folder) = served(|number, _| {
        let reply = Reply::new(200, one_rule(1, "bad"));
        if number == 1 { reply.stalling(20, Duration::from_secs(20)) } else { reply }
    });
    check_lands(&folder, 1);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn what_is_fetched_is_not_believed() {
    check_fails(
        || Reply::new(200, "<!DOCTYPE html><title>Sign in</title>"),
        "it is a web page and not an archive of rules",
    );
    check_fails(|| Reply::new(200, ""), "it holds no rule that can be used");
    let half = || {
        let whole = one_rule(2, "bad");
        Reply::new(200, whole[..whole.len() / 2].to_vec())
    };
    check_fails(half, "the archive is broken or not complete");
    // What comes after the length that was announced is not looked at.
    let (_server, folder) = served(|_, _| {
        let mut body = one_rule(1, "bad");
        let length = body.len();
        body.extend_from_slice(b"and more");
        Reply::new(200, body).claiming(length)
    });
    check_lands(&folder, 1);
}

#[test]
fn the_network_is_used_only_as_allowed() {
    let (server, folder) = served(|_, _| Reply::new(200, one_rule(1, "bad")));
    let run = folder.check("update rules --cache-dir cache", 2);
    assert!(run.err.contains("anybody on the way can change what is sent by http://"), "{}", run.err);
    let run = folder.check(&format!("{UPDATE} --offline"), 2);
    assert!(run.err.contains("`--offline` keeps it from fetching rules"), "{}", run.err);
    folder.check("map log.csv --cache-dir cache", 0);
    assert!(server.asked().is_empty());
    let run = folder.check(&format!("{UPDATE} --ca-file log.csv"), 2);
    assert!(run.err.contains("cannot use `log.csv`: it holds no certificate"), "{}", run.err);
    let run = folder.with("evtmap.toml", "[update]\nrule = 1\n").check(UPDATE, 2);
    assert!(run.err.contains("evtmap.toml`, line 2, column 1: unknown key `rule`"), "{}", run.err);
}

#[test]
fn certificates_are_checked_and_tls_is_not_given_up() {
    let plain = Server::new(|_, _| Reply::new(200, one_rule(2, "bad")));
    let to = plain.url("127.0.0.1", "/rules.tar.gz");
    let (server, certificate) = Server::with_tls(move |_, asked| {
        if asked.line.contains("/away") {
            Reply::new(302, "").header("location", &to)
        } else {
            Reply::new(200, one_rule(1, "bad"))
        }
    });
    let folder = folder(&server.https("/rules.tar.gz")).with("ca.pem", certificate);
    let once = UPDATE.replace("--tries 3", "--tries 1");
    let run = folder.check(&once, 2);
    assert!(run.err.contains("error: cannot fetch `https://localhost:"), "{}", run.err);
    assert!(run.err.contains("certificate"), "{}", run.err);
    folder.check(&format!("{once} --ca-file ca.pem"), 0);
    assert!(folder.check(MAP, 0).out.contains("\"Program 1\""));
    let away = folder.read("evtmap.toml").replace("/rules.tar.gz", "/away");
    let folder = folder.with("evtmap.toml", away);
    let run = folder.check(&format!("{once} --ca-file ca.pem"), 2);
    assert!(run.err.contains(", which is not protected"), "{}", run.err);
    assert!(plain.asked().is_empty());
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let (proxy, folder) = served(|_, _| Reply::new(502, ""));
    let folder = folder
        .with("evtmap.toml", "[[update.rules]]\nname = 'ours'\nurl = 'http://rules.example/a.tar.gz'\n");
    let mut update = folder.command(&UPDATE.replace("--tries 3", "--tries 1"));
    let run = Run::of(update.env("HTTP_PROXY", proxy.url("127.0.0.1", "")).output().unwrap());
    assert_eq!(run.status, 2, "{}", run.out);
    assert!(proxy.asked()[0].line.contains("rules.example"), "{}", proxy.asked()[0].line);
}

#[test]
fn nobody_answers() {
    let folder = folder("http://127.0.0.1:9/rules.tar.gz");
    let run = folder.check(&UPDATE.replace("--tries 3", "--tries 1"), 2);
    assert!(
        run.err.contains("cannot fetch `http://127.0.0.1:9/rules.tar.gz`: nobody answers there"),
        "{}",
        run.err
    );
}

#[test]
fn attack_is_fetched_and_several_sources_of_rules_are_joined() {
    let server = Server::new(|_, asked| match asked.line.split(' ').nth(1).unwrap() {
        "/a.tar.gz" => Reply::new(200, one_rule(1, "bad")).header("etag", "\"a\""),
        "/owner/rules/archive/HEAD.tar.gz" => Reply::new(200, one_rule(2, "bad")),
        "/attack.json" => Reply::new(200, sample::ATTACK),
        _ => Reply::new(404, ""),
    });
    let [a, attack, host] = ["/a.tar.gz", "/attack.json", ""].map(|path| server.url("127.0.0.1", path));
    let config = format!(
        "[update]\nattack = {{name = 'attack', url = '{attack}'}}\n[[update.rules]]\nname = 'a'\nurl = '{a}'\n\
         [[update.rules]]\nname = 'b'\nrepository = 'owner/rules'\nhost = 'gitea'\nserver = '{host}'\n\
         [[update.rules]]\nname = 'c'\npath = 'own'\n"
    );
    let folder = folder("")
        .with("evtmap.toml", config)
        .with("own/c.yml", super::archive::rule(3, "bad", "low", "t1059.003"));
    let run = folder.check(&UPDATE.replace("rules", "all"), 0);
    assert!(run.out.contains("3 rules, in place of those that come with the program"), "{}", run.out);
    assert!(run.out.contains("ATT&CK data: enterprise-attack 99.9"), "{}", run.out);
    let run = folder.check("map log.csv --cache-dir cache", 0);
    assert!(run.out.contains("3 rules from a of 2026-08-01 (commit 1a2b3c4), b of"), "{}", run.out);
    // One source that fails keeps all as they were.
    let broken = folder.read("evtmap.toml").replace("owner/rules", "owner/gone");
    let run = folder.with("evtmap.toml", broken).check(UPDATE, 2);
    assert!(run.err.contains("there is nothing there (status 404)"), "{}", run.err);
}

/// As the test of the same kind on the disk, with the network in between.
#[test]
fn a_kill_at_any_point_of_a_download_leaves_a_cache_that_works() {
    let (_server, folder) = served(|number, _| {
        Reply::new(200, one_rule(100 + u32::try_from(number).unwrap(), "bad")).at_a_pace_of(8)
    });
    check_lands(&folder, 101);
    // What was killed keeps the server busy for a while, on a machine that has other work too.
    let patiently = UPDATE.replace("--timeout 2", "--timeout 30");
    for point in 0..50u64 {
        let mut child = folder.command(UPDATE).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(point * 4));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = folder.check(MAP, 0);
        assert_eq!(run.err, "", "point {point}");
        assert_eq!(run.out.matches("\"Program 1").count(), 1, "point {point}: {}", run.out);
    }
    folder.check(&patiently, 0);
    assert!(folder.names_in("cache/editions").len() <= 2, "{:?}", folder.names_in("cache/editions"));
}
