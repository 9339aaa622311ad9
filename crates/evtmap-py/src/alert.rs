//! `Alert`: one finding in one event.

use evtmap::Severity;
use evtmap::alert::Alert;
use evtmap::report::{AlertLine, TimeStyle};
use evtmap::row::Row;
use jiff::tz::TimeZone;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::alerts::loads;

/// A finding in an event.
#[pyclass(frozen, name = "Alert", module = "evtmap")]
pub(crate) struct PyAlert {
    alert: Alert,
}

impl PyAlert {
    pub(crate) fn of(alert: Alert) -> Self {
        Self { alert }
    }
}

#[pymethods]
impl PyAlert {
    /// ``detection`` when a rule's whole condition held, ``association`` when the event's id may hint at
    /// something, ``event`` when nothing is known of it.
    #[getter]
    fn kind(&self) -> &'static str {
        self.alert.finding.kind.as_str()
    }

    /// ``critical``, ``high``, ``medium``, ``low`` or ``informational``; None for a mere event.
    #[getter]
    fn severity(&self) -> Option<&'static str> {
        self.alert.finding.severity.map(Severity::as_str)
    }

    /// The rule's title, or what the event is.
    #[getter]
    fn title(&self) -> &str {
        self.alert.finding.title()
    }

    /// What the rule finds, or why the event may be evidence.
    #[getter]
    fn description(&self) -> &str {
        self.alert.finding.description()
    }

    /// Ids of techniques, the most telling first.
    #[getter]
    fn technique_ids(&self) -> Vec<&str> {
        self.alert.finding.techniques.iter().map(|technique| technique.id.as_str()).collect()
    }

    /// Names of techniques, in the order of their ids.
    #[getter]
    fn technique_names(&self) -> Vec<&str> {
        self.alert.finding.techniques.iter().map(|technique| technique.name.as_str()).collect()
    }

    /// Names of tactics, in the matrix's order.
    #[getter]
    fn tactics(&self) -> Vec<&str> {
        self.alert.finding.tactics.iter().map(|tactic| tactic.name.as_str()).collect()
    }

    /// The rule's id, for a detection.
    #[getter]
    fn rule_id(&self) -> Option<&str> {
        self.alert.finding.rule.as_ref()?.id.as_deref()
    }

    /// Who wrote the rule, for a detection.
    #[getter]
    fn rule_author(&self) -> Option<&str> {
        self.alert.finding.rule.as_ref().map(|rule| rule.author.as_str())
    }

    /// When the event was logged, in UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(time) = self.alert.event.time else { return Ok(None) };
        let utc = TimeZone::UTC.to_datetime(time);
        let module = py.import("datetime")?;
        let zone = module.getattr("timezone")?.getattr("utc")?;
        let (date, clock) = ((utc.year(), utc.month(), utc.day()), (utc.hour(), utc.minute(), utc.second()));
        let micros = utc.subsec_nanosecond() / 1000;
        let made = module
            .getattr("datetime")?
            .call1((date.0, date.1, date.2, clock.0, clock.1, clock.2, micros, zone));
        match made {
            Ok(time) => Ok(Some(time)),
            // Python's years end before those of Windows do.
            Err(error) if error.is_instance_of::<PyValueError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The computer that the event was logged on; empty when unknown.
    #[getter]
    fn computer(&self) -> &str {
        &self.alert.event.said.computer
    }

    /// Who did it, as far as the event says.
    #[getter]
    fn user(&self) -> Option<&str> {
        self.alert.event.said.user.as_deref()
    }

    /// The log that the event was written to; empty when unknown.
    #[getter]
    fn channel(&self) -> &str {
        &self.alert.event.said.channel
    }

    /// What wrote the event; empty when unknown.
    #[getter]
    fn provider(&self) -> &str {
        &self.alert.event.said.provider
    }

    /// The event's id.
    #[getter]
    fn event_id(&self) -> Option<u32> {
        self.alert.event.said.event_id
    }

    /// The event's number in its log.
    #[getter]
    fn record_id(&self) -> Option<u64> {
        self.alert.event.record_id
    }

    /// The message as Windows rendered it, where the input has it.
    #[getter]
    fn message(&self) -> Option<&str> {
        self.alert.event.said.message.as_deref()
    }

    /// The event's payload; a name that comes several times has a list.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &Row::of(&self.alert).fields_json())
    }

    /// The file that the event was read from, or ``memory``.
    #[getter]
    fn path(&self) -> &str {
        &self.alert.event.input
    }

    /// Where in it: a byte counted from 0, a line counted from 1, or the place among events in memory counted
    /// from 0.
    #[getter]
    fn position(&self) -> u64 {
        self.alert.event.position.number()
    }

    /// The alert as in the JSON report.
    ///
    /// Returns
    /// -------
    /// dict
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = serde_json::to_string(&AlertLine::of(&self.alert, &TimeStyle::default()));
        loads(py, &json.map_err(|error| PyValueError::new_err(error.to_string()))?)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().alert == self.alert)
    }

    fn __hash__(&self) -> u64 {
        self.alert.event.position.number()
    }

    fn __repr__(&self) -> String {
        let (finding, event) = (&self.alert.finding, &self.alert.event);
        let severity = finding.severity.map_or("", Severity::as_str);
        let techniques = self.technique_ids().join(" ");
        let id = event.said.event_id.map(|id| id.to_string()).unwrap_or_default();
        format!(
            "<evtmap.Alert: {severity} {:?} {techniques}, event {id} on {:?}>",
            finding.title(),
            event.said.computer
        )
    }
}
