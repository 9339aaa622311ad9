//! `Attack`: the tactics and techniques of one release.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evtmap::Catalogue;
use evtmap::attack::{TechniqueId, own_description};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::engine::LoadedAttack;
use crate::error::{Class, Problem};

/// The tactics and techniques of one release of MITRE ATT&CK.
///
/// Read once a process and shared. It can be pickled.
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct Attack {
    pub(crate) loaded: Arc<LoadedAttack>,
}

/// A technique or sub-technique of ATT&CK.
#[pyclass(frozen, get_all, eq, hash, module = "evtmap")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Technique {
    /// Such as ``T1059.001``.
    id: String,
    /// Such as ``PowerShell``.
    name: String,
    /// Names of its tactics, in the matrix's order.
    tactics: Vec<String>,
    /// Platforms to which it applies.
    platforms: Vec<String>,
    /// The technique that a sub-technique belongs to.
    parent: Option<String>,
    /// The page that MITRE has about it.
    url: String,
    /// What it is, in a few sentences.
    description: Option<String>,
    /// Whether it is in use: ``active``, ``deprecated`` or ``revoked``.
    status: String,
}

/// A tactic of ATT&CK.
#[pyclass(frozen, get_all, eq, hash, module = "evtmap")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Tactic {
    /// Such as ``TA0002``.
    id: String,
    /// Such as ``Execution``.
    name: String,
    /// Such as ``execution``.
    short_name: String,
}

#[pymethods]
impl Attack {
    /// The release that comes with evtmap.
    ///
    /// Returns
    /// -------
    /// Attack
    #[staticmethod]
    pub(crate) fn default(py: Python<'_>) -> PyResult<Self> {
        Ok(Self { loaded: py.detach(LoadedAttack::bundled)? })
    }

    /// Read a STIX bundle of ATT&CK, as MITRE publishes it.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     Such as ``enterprise-attack-19.2.json``.
    ///
    /// Returns
    /// -------
    /// Attack
    ///
    /// Raises
    /// ------
    /// AttackError
    ///     When the file cannot be read or is no such bundle.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::read(py, &path)
    }

    /// The release, such as ``19.2``.
    #[getter]
    fn version(&self) -> Option<&str> {
        self.loaded.catalogue.version()
    }

    /// Every tactic, in the matrix's order.
    #[getter]
    fn tactics(&self) -> Vec<Tactic> {
        let tactics = self.loaded.catalogue.tactics().iter();
        let tactics = tactics.map(|tactic| Tactic {
            id: tactic.id.to_string(),
            name: tactic.name.clone(),
            short_name: tactic.short_name.clone(),
        });
        tactics.collect()
    }

    /// Every technique in use, in the order of their ids.
    #[getter]
    fn techniques(&self) -> Vec<Technique> {
        let techniques = self.loaded.catalogue.techniques().iter();
        let in_use = techniques.filter(|technique| technique.status == evtmap::attack::Status::Active);
        in_use.map(|technique| self.describe(technique)).collect()
    }

    /// A technique by its id.
    ///
    /// Parameters
    /// ----------
    /// id : str
    ///     Such as ``T1059.001``.
    ///
    /// Returns
    /// -------
    /// Technique
    ///
    /// Raises
    /// ------
    /// KeyError
    ///     When the release has no such technique.
    ///
    /// Examples
    /// --------
    /// >>> evtmap.Attack.default().technique("T1059.001").name
    /// 'PowerShell'
    fn technique(&self, id: &str) -> PyResult<Technique> {
        let parsed = id.trim().parse::<TechniqueId>().ok();
        let found = parsed.and_then(|id| self.loaded.catalogue.technique(id));
        found.map(|technique| self.describe(technique)).ok_or_else(|| {
            let label = self.loaded.catalogue.label();
            pyo3::exceptions::PyKeyError::new_err(format!("`{id}` is no technique of {label}"))
        })
    }

    fn __repr__(&self) -> String {
        format!("<evtmap.Attack: {}>", self.loaded.catalogue.label())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let loaded = &self.loaded;
        let content = match loaded.digest.is_empty() {
            true => py.None().into_bound(py),
            false => PyBytes::new(py, &loaded.catalogue.to_compact()).into_any(),
        };
        let arguments = PyTuple::new(py, [loaded.origin.as_str().into_pyobject(py)?.into_any(), content])?;
        Ok((py.get_type::<Self>().getattr("_of_parts")?, arguments))
    }

    #[staticmethod]
    fn _of_parts(py: Python<'_>, origin: String, content: Option<Vec<u8>>) -> PyResult<Self> {
        let Some(content) = content else { return Self::default(py) };
        let digest = evtmap_update::Digest::of(&content).to_string().into_bytes();
        let loaded = LoadedAttack::of(digest, origin.clone(), || {
            Catalogue::from_compact(&content)
                .map_err(|error| problem(Path::new(&origin), &error.to_string(), error.help()))
        })?;
        Ok(Self { loaded })
    }
}

impl Attack {
    /// Reads a bundle.
    pub(crate) fn read(py: Python<'_>, path: &Path) -> PyResult<Self> {
        py.detach(|| {
            let catalogue = read(path)?;
            let compact = catalogue.to_compact();
            let loaded = LoadedAttack::of(
                evtmap_update::Digest::of(&compact).to_string().into_bytes(),
                path.display().to_string(),
                || Ok(catalogue),
            )?;
            Ok(Self { loaded })
        })
    }

    /// ATT&CK as an argument: a release, or the path of a bundle; the one of evtmap when nothing is given.
    pub(crate) fn of_argument(py: Python<'_>, attack: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(attack) = attack.filter(|attack| !attack.is_none()) else { return Self::default(py) };
        if let Ok(attack) = attack.cast::<Self>() {
            return Ok(Self { loaded: Arc::clone(&attack.get().loaded) });
        }
        let wrong =
            |_| pyo3::exceptions::PyTypeError::new_err("attack is to be `Attack`, or the path of a bundle");
        Self::read(py, &attack.extract::<PathBuf>().map_err(wrong)?)
    }

    fn describe(&self, technique: &evtmap::attack::Technique) -> Technique {
        let catalogue = &self.loaded.catalogue;
        let tactics = technique.tactics.iter().filter_map(|id| catalogue.tactic(*id));
        let description = catalogue.summary(technique.id).or_else(|| own_description(technique.id));
        Technique {
            id: technique.id.to_string(),
            name: technique.name.clone(),
            tactics: tactics.map(|tactic| tactic.name.clone()).collect(),
            platforms: technique.platforms.clone(),
            parent: technique.id.parent().map(|parent| parent.to_string()),
            url: technique.id.url(),
            description: description.map(str::to_owned),
            status: format!("{:?}", technique.status).to_lowercase(),
        }
    }
}

#[pymethods]
impl Technique {
    fn __repr__(&self) -> String {
        format!("<evtmap.Technique: {} {}>", self.id, self.name)
    }
}

#[pymethods]
impl Tactic {
    fn __repr__(&self) -> String {
        format!("<evtmap.Tactic: {} {}>", self.id, self.name)
    }
}

fn read(path: &Path) -> PyResult<Catalogue> {
    let file = File::open(path).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string().to_lowercase(),
        };
        problem(path, &reason, "")
    })?;
    Catalogue::from_stix(file).map_err(|error| problem(path, &error.to_string(), error.help()))
}

fn problem(path: &Path, reason: &str, help: &str) -> PyErr {
    let message = format!("cannot use `{}` as ATT&CK: {reason}", path.display());
    let file = Some(path.display().to_string());
    Problem { message, file, help: Some(help), ..Problem::default() }.raise(Class::Attack)
}
