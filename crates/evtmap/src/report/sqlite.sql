CREATE TABLE alert_techniques (
    alert_id INTEGER NOT NULL REFERENCES alerts (id),
    technique_id TEXT NOT NULL,
    technique_name TEXT NOT NULL,
    PRIMARY KEY (alert_id, technique_id)
) WITHOUT ROWID;
CREATE TABLE alert_tactics (
    alert_id INTEGER NOT NULL REFERENCES alerts (id),
    tactic_id TEXT NOT NULL,
    tactic_name TEXT NOT NULL,
    PRIMARY KEY (alert_id, tactic_id)
) WITHOUT ROWID;
CREATE TABLE report (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE not_looked_at (
    what TEXT NOT NULL /* file, records, rules */,
    path TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL
);
-- A hint by an event id alone is no detection, so the two are counted apart.
CREATE VIEW by_technique AS
SELECT technique_id, technique_name,
    count(*) FILTER (WHERE kind = 'detection') AS detections,
    count(*) FILTER (WHERE kind = 'association') AS associations,
    count(DISTINCT host) AS hosts, max(severity_number) AS severity_number,
    min(timestamp) AS first, max(timestamp) AS last
FROM alert_techniques JOIN alerts ON alerts.id = alert_id
GROUP BY technique_id, technique_name ORDER BY detections DESC, severity_number DESC, technique_id;
CREATE VIEW by_tactic AS
SELECT tactic_id, tactic_name,
    count(*) FILTER (WHERE kind = 'detection') AS detections,
    count(*) FILTER (WHERE kind = 'association') AS associations,
    count(DISTINCT host) AS hosts, max(severity_number) AS severity_number,
    min(timestamp) AS first, max(timestamp) AS last
FROM alert_tactics JOIN alerts ON alerts.id = alert_id
GROUP BY tactic_id, tactic_name ORDER BY detections DESC, severity_number DESC, tactic_id;
CREATE VIEW by_host AS
SELECT host,
    count(*) FILTER (WHERE kind = 'detection') AS detections,
    count(*) FILTER (WHERE kind = 'association') AS associations,
    count(*) FILTER (WHERE kind = 'detection' AND severity_number >= 4) AS high_or_critical,
    count(DISTINCT rule_id) FILTER (WHERE kind = 'detection') AS rules,
    min(timestamp) AS first, max(timestamp) AS last
FROM alerts GROUP BY host ORDER BY high_or_critical DESC, detections DESC, host;
CREATE VIEW by_rule AS
SELECT rule_id, rule_title, rule_author, severity, count(*) AS detections, count(DISTINCT host) AS hosts,
    min(timestamp) AS first, max(timestamp) AS last
FROM alerts WHERE kind = 'detection'
GROUP BY rule_id, rule_title, rule_author, severity ORDER BY max(severity_number) DESC, detections DESC, rule_title;
