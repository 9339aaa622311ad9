//! Where the cache is: the folder that the system keeps for what can be fetched again.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The folder that a predecessor of this program kept ATT&CK in.
const PREDECESSOR: &str = ".mitre_mapper_cache";

/// The cache folder by the system's custom: `$XDG_CACHE_HOME/evtmap` or `~/.cache/evtmap`,
/// `~/Library/Caches/evtmap` on macOS, `%LOCALAPPDATA%\evtmap` on Windows. Nothing where there is no home.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(strategy.cache_dir().join("evtmap"))
}

/// The folder for the user's configuration by the system's custom: `$XDG_CONFIG_HOME/evtmap` or
/// `~/.config/evtmap`, `~/Library/Preferences/evtmap` on macOS, `%APPDATA%\\evtmap` on Windows.
#[must_use]
pub fn config_folder() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(strategy.config_dir().join("evtmap"))
}

/// The predecessor's cache folder, if it is there.
#[must_use]
pub fn predecessor_folder() -> Option<PathBuf> {
    let folder = etcetera::home_dir().ok()?.join(PREDECESSOR);
    folder.is_dir().then_some(folder)
}
