//! A node's home folder: where each file lies and how secret ones are kept.
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use cairn_beacon::vrf;
use cairn_kernel::Address;
use rand::RngCore;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::keyring::Keyring;
use crate::{
    Exit,
    config::Config,
    files::{MAX_JSON, MAX_SETTINGS, read_text, stream_atomically, write_atomically},
};

/// The file in `data` that says what the state began with.
const GENESIS_DIGEST: &str = "genesis_sha256";

/// The folder of snapshots in `data`.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// The folder that `--home` names; CometBFT uses the same one.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// A home at `path`; nothing is read yet.
    #[must_use]
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    /// The folder itself.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    /// ` --home <path>` as commands that are suggested need it; nothing for the home that they take by default.
    #[must_use]
    pub(crate) fn flag(&self) -> String {
        let default = std::env::var_os("CAIRN_HOME").map_or_else(super::default_home, PathBuf::from);
        if self.0 == default { String::new() } else { format!(" --home {}", self.0.display()) }
    }
    /// `config/<name>`.
    #[must_use]
    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.0.join("config").join(name)
    }
    /// `data/<name>`.
    #[must_use]
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.0.join("data").join(name)
    }
    /// Where the node writes down an upgrade that needs another program; supervisors watch it.
    #[must_use]
    pub(crate) fn upgrade_info(&self) -> PathBuf {
        self.data("upgrade-info.json")
    }
    /// The folder of encrypted account keys.
    #[must_use]
    pub(crate) fn keyring(&self) -> PathBuf {
        self.0.join("keyring")
    }
    /// The socket of the operator's door.
    #[must_use]
    pub(crate) fn admin(&self) -> PathBuf {
        self.data("admin.sock")
    }
    /// Every file with a secret: keys of the node, of accounts, of content, and what opens commitments.
    pub(crate) fn secrets(&self) -> Result<Vec<PathBuf>> {
        let keys = ["priv_validator_key.json", "node_key.json"].map(|name| self.config(name));
        let mut found: Vec<PathBuf> = keys.into_iter().filter(|path| path.exists()).collect();
        files(&self.0.join("config"), &mut |path| {
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(VRF_KEY)) {
                found.push(path);
            }
        })?;
        for folder in SECRETS {
            files(&self.0.join(folder), &mut |path| found.push(path))?;
        }
        Ok(found)
    }
    /// Refuses a home in which others may read a secret, and tells the command that mends it.
    pub(crate) fn check_secrets(&self) -> Result<()> {
        let mut loose = Vec::new();
        for path in self.secrets()? {
            if mode(&path)? & 0o077 != 0 {
                loose.push(format!("'{}'", path.display()));
            }
        }
        if loose.is_empty() {
            return Ok(());
        }
        let verb = if loose.len() == 1 { "is a secret that others can read" } else { "are secrets that others can read" };
        let error = anyhow!("{} {verb}; run: chmod 600 {}", loose.join(", "), loose.join(" "));
        Err(error.context(Exit::KeyMode))
    }
    /// The account that `text` names: an address, or the name of a key of this home.
    pub(crate) fn account(&self, text: &str) -> Result<Address> {
        match Address::parse(text) {
            Ok(address) => Ok(address),
            Err(e) => {
                let entry = Keyring::new(self.keyring()).entry(text).with_context(|| format!("{text:?} is no address ({e})"))?;
                Ok(Address::parse(&entry.address)?)
            }
        }
    }
    /// The settings of the application.
    pub(crate) fn load_config(&self) -> Result<Config> {
        let path = self.config("app.toml");
        if !path.exists() {
            let error = anyhow!("{} is not there; create a home with 'cairnd init <moniker> --home {}'", path.display(), self.0.display());
            return Err(error.context(Exit::Config));
        }
        Config::load(&path)
    }
    /// The RPC of this home's node, else the one that a node has by default.
    #[must_use]
    pub(crate) fn rpc(&self) -> String {
        let path = self.config("app.toml");
        // A home of keys alone has no settings; broken ones are for the commands that need them to tell.
        let config = if path.exists() { Config::load(&path).unwrap_or_default() } else { Config::default() };
        config.comet.rpc
    }
    /// Where the application listens for CometBFT.
    #[must_use]
    pub(crate) fn abci(&self, config: &Config) -> String {
        if config.abci.is_empty() { format!("unix://{}", self.data("abci.sock").display()) } else { config.abci.clone() }
    }
    /// The genesis file.
    pub(crate) fn genesis(&self) -> Result<Value> {
        read_json(&self.config("genesis.json"))
    }
    /// The chain that the genesis file names.
    pub(crate) fn chain_id(&self) -> Result<String> {
        Ok(chain_id(&self.genesis()?)?.to_owned())
    }
    /// The digest of the genesis file that the state began with, if it was noted.
    pub(crate) fn genesis_digest(&self) -> Result<Option<String>> {
        let path = self.data(GENESIS_DIGEST);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, MAX_SETTINGS)?;
        Ok(Some(text.trim().to_owned()))
    }
    /// Notes the digest of the genesis file.
    pub(crate) fn set_genesis_digest(&self, digest: &str) -> Result<()> {
        write_atomically(&self.data(GENESIS_DIGEST), digest.as_bytes(), 0o644)
    }
    /// The beacon keys of this node: the one that it was made with, then those of rotations by their names.
    pub(crate) fn vrf_keys(&self) -> Result<Vec<BeaconKey>> {
        let folder = self.0.join("config");
        let mut names = Vec::new();
        if folder.exists() {
            for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name == VRF_KEY || (name.starts_with(NEXT_VRF_KEY) && !name.ends_with(".part")) {
                    names.push(name);
                }
            }
        }
        names.sort();
        names.into_iter().map(|name| BeaconKey::read(folder.join(name))).collect()
    }
    /// Creates the first beacon key if there is none and returns its public half.
    pub(crate) fn ensure_vrf_key(&self) -> Result<[u8; 32]> {
        let path = self.config(VRF_KEY);
        if path.exists() {
            return Ok(*BeaconKey::read(path)?.key.public().as_bytes());
        }
        let key = vrf::SecretKey::from_seed(&random());
        write_secret(&path, key.to_text().as_bytes())?;
        Ok(*key.public().as_bytes())
    }
    /// Makes a further beacon key, beside those there are.
    pub(crate) fn new_vrf_key(&self) -> Result<BeaconKey> {
        let key = vrf::SecretKey::from_seed(&random());
        let name: String = hex::encode(key.public().as_bytes()).chars().take(16).collect();
        let path = self.config(&format!("{NEXT_VRF_KEY}{name}"));
        write_secret(&path, key.to_text().as_bytes())?;
        Ok(BeaconKey { path, key })
    }
}

/// The folders of a home whose files are all secret.
const SECRETS: [&str; 8] = ["keyring", "content-keys", "license-keys", "openings", "verdicts", "exams", "jobs", "vouchers"];

/// The files below a folder, which need not be there. Those half written count too.
fn files(folder: &Path, each: &mut impl FnMut(PathBuf)) -> Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { each(path) }
        }
    }
    Ok(())
}

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.permissions().mode() & 0o777)
}

/// The file of a node's first beacon key.
const VRF_KEY: &str = "vrf_key";
/// What the files of later ones begin with; the first 16 digits of the public half follow.
const NEXT_VRF_KEY: &str = "vrf_key-";

/// A beacon key and the file that it lies in.
pub(crate) struct BeaconKey {
    pub(crate) path: PathBuf,
    pub(crate) key: vrf::SecretKey,
}

impl BeaconKey {
    fn read(path: PathBuf) -> Result<Self> {
        let text = zeroize::Zeroizing::new(read_secret(&path)?);
        let key = vrf::SecretKey::from_text(&text).map_err(|e| anyhow!("{}: {e}", path.display()).context(Exit::Config))?;
        Ok(Self { path, key })
    }
}

/// The chain that a genesis file names.
pub(crate) fn chain_id(genesis: &Value) -> Result<&str> {
    genesis.get("chain_id").and_then(Value::as_str).context("genesis.json names no chain_id")
}

/// Reads a JSON file.
pub(crate) fn read_json(path: &Path) -> Result<Value> {
    let text = read_text(path, MAX_JSON)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Writes a JSON file so that a reader never sees half of it.
pub(crate) fn write_json(path: &Path, value: &Value) -> Result<()> {
    write_atomically(path, &serde_json::to_vec_pretty(value)?, 0o644)
}

/// Writes a text file so that a reader never sees half of it.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, text.as_bytes(), 0o644)
}

/// Reads a file that nobody but its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<String> {
    check_secret(path)?;
    read_text(path, MAX_SETTINGS)
}

/// Reads what [`write_secret_json`] wrote.
pub(crate) fn read_secret_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&read_secret(path)?).with_context(|| format!("{} is damaged", path.display()))
}

/// Opens a file that nobody but its owner may read.
pub(crate) fn open_secret(path: &Path) -> Result<fs::File> {
    check_secret(path)?;
    fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

fn check_secret(path: &Path) -> Result<()> {
    let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(found.is_file(), "{} is no file", path.display());
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {mode:o}); run 'chmod 600 {}'", path.display(), path.display());
    }
    Ok(())
}

/// Writes a file that nobody but its owner may read; an existing one is not replaced.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        bail!("{} exists; it is not overwritten", path.display());
    }
    write_atomically(path, bytes, 0o600)
}

/// Writes JSON that nobody but its owner may read; an existing file is not replaced.
pub(crate) fn write_secret_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write_secret(path, &serde_json::to_vec(value)?)
}

/// 32 bytes from the system.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut bytes);
    bytes
}

/// Writes a file that nobody but its owner may read, in place of an existing one; `write` makes what may be too long for the memory.
pub(crate) fn stream_secret(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    stream_atomically(path, write, 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_state_began_with_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert_eq!(home.genesis_digest().unwrap(), None);
        for digest in ["ab", "cd"] {
            home.set_genesis_digest(digest).unwrap();
            assert_eq!(home.genesis_digest().unwrap().unwrap(), digest);
        }
    }

    #[test]
    fn a_home_whose_secrets_others_can_read_is_refused_with_what_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        home.check_secrets().unwrap();
        home.ensure_vrf_key().unwrap();
        home.new_vrf_key().unwrap();
        let [consensus, account] = [home.config("priv_validator_key.json"), home.keyring().join("me.json")];
        for path in [&consensus, &account] {
            write_secret(path, b"x").unwrap();
        }
        write_json(&home.config("genesis.json"), &Value::Null).unwrap();
        assert_eq!(home.secrets().unwrap().len(), 4);
        home.check_secrets().unwrap();
        for path in [consensus, account, home.config("vrf_key")] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let error = home.check_secrets().unwrap_err();
            assert_eq!(Exit::of(&error), Exit::KeyMode);
            assert!(format!("{error:#}").ends_with(&format!("run: chmod 600 '{}'", path.display())), "{error:#}");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        home.check_secrets().unwrap();
    }

    #[test]
    fn secrets_are_private_kept_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert!(home.vrf_keys().unwrap().is_empty());
        let public = home.ensure_vrf_key().unwrap();
        assert_eq!(home.ensure_vrf_key().unwrap(), public);
        let next = home.new_vrf_key().unwrap();
        let found: Vec<_> = home.vrf_keys().unwrap().into_iter().map(|found| *found.key.public().as_bytes()).collect();
        assert_eq!(found, [public, *next.key.public().as_bytes()]);
        let path = home.config("vrf_key");
        assert!(write_secret(&path, b"x").is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let err = home.vrf_keys().err().unwrap().to_string();
        assert!(err.contains("can be read by others (mode 644)"), "{err}");
    }
}
