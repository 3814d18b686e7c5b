//! What an agent holds beside its account's key: proving keys, and networks whose weights are private.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail, ensure};
use ark_bn254::Fr;
use cairn_circuits::{Circuit, Network, Prover, network_of};
use cairn_models::ModelFile;
use cairn_program::{Op, Program};
use cairn_verifier::KeyId;

use crate::proofs::{salt_of, weights_element};

/// Provers that are kept in memory: each holds its key's points.
const PROVERS: usize = 4;

/// A network whose weights nobody else knows.
#[derive(Debug, Clone)]
pub struct Private {
    /// The network.
    pub network: Network,
    /// Salt of the commitment to its weights.
    pub salt: Fr,
}

/// The private networks that compute a program's sealed operators, by their nodes.
pub type Sealed = BTreeMap<u32, Arc<Private>>;

/// Folders of proving keys and of private networks.
pub struct Vault {
    keys: PathBuf,
    /// Files of `keys` that were looked at.
    seen: BTreeSet<PathBuf>,
    files: BTreeMap<KeyId, PathBuf>,
    private: BTreeMap<[u8; 32], Arc<Private>>,
    provers: Arc<Provers>,
}

impl Vault {
    /// Over the folder of proving keys, whose files may have any names, and that of private networks: `NAME.safetensors` with `NAME.salt`, which nobody
    /// else may read. Folders that are not there are empty.
    ///
    /// # Errors
    /// A private network that cannot be used: it would be silent where it is owed.
    pub fn open(keys: &Path, private: &Path) -> Result<Self> {
        let mut found = BTreeMap::new();
        for path in entries(private).into_iter().filter(|path| path.extension().is_some_and(|name| name == "salt")) {
            let one = read_private(&path).with_context(|| format!("the private network of {}", path.display()))?;
            let sealed = one.network.shape().sizes().sealed(&weights_element(one.salt, &one.network));
            found.insert(sealed, Arc::new(one));
        }
        let (seen, files, provers) = (BTreeSet::new(), BTreeMap::new(), Arc::new(Provers::default()));
        let mut vault = Self { keys: keys.to_owned(), seen, files, private: found, provers };
        vault.look();
        Ok(vault)
    }

    /// Proving keys that were found.
    pub fn keys(&self) -> impl Iterator<Item = &KeyId> {
        self.files.keys()
    }

    /// How many private networks there are.
    #[must_use]
    pub fn networks(&self) -> usize {
        self.private.len()
    }

    /// The file of a proving key; looks for new ones where it is not known.
    pub(super) fn key(&mut self, id: &KeyId) -> Option<PathBuf> {
        if !self.files.contains_key(id) {
            self.look();
        }
        self.files.get(id).cloned()
    }

    /// The folder of proving keys.
    pub(super) fn folder(&self) -> &Path {
        &self.keys
    }

    /// Provers, for whoever proves.
    pub(super) fn provers(&self) -> Arc<Provers> {
        Arc::clone(&self.provers)
    }

    /// The private networks of a program; the first sealed node without one as an error.
    pub(super) fn sealed(&self, program: &Program) -> Result<Sealed, u32> {
        let sealed = (0..).zip(&program.graph().nodes).filter_map(|(number, node)| match &node.op {
            Op::Sealed { circuit, .. } => Some((number, circuit)),
            _ => None,
        });
        sealed.map(|(number, circuit)| self.private.get(circuit).map(|one| (number, Arc::clone(one))).ok_or(number)).collect()
    }

    fn look(&mut self) {
        for path in entries(&self.keys) {
            if !self.seen.insert(path.clone()) {
                continue;
            }
            let record = File::open(&path).map_err(anyhow::Error::from).and_then(|file| Ok(Prover::record_of(&mut BufReader::new(file))?));
            match record {
                Ok(record) => {
                    self.files.insert(record.id(), path);
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "not a proving key"),
            }
        }
    }
}

/// Files of a folder, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found
}

fn read_private(salt: &Path) -> Result<Private> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(salt)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "others may read it: 'chmod 600 {}' keeps it to you", salt.display());
    let text = fs::read_to_string(salt)?;
    let model = salt.with_extension("safetensors");
    let mode = fs::metadata(&model).with_context(|| format!("cannot read {}", model.display()))?.permissions().mode();
    ensure!(mode & 0o077 == 0, "others may read its weights: 'chmod 600 {}' keeps them to you", model.display());
    let model = ModelFile::open(&model).with_context(|| model.display().to_string())?;
    Ok(Private { network: network_of(model.program(), model.tensors())?, salt: salt_of(text.trim())? })
}

/// Provers that were read, the newest few.
#[derive(Default)]
pub(super) struct Provers(Mutex<Vec<(KeyId, Arc<Prover>)>>);

impl Provers {
    /// The prover of a key, from memory or its file.
    pub(super) fn get(&self, id: &KeyId, path: &Path, circuit: &Circuit) -> Result<Arc<Prover>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, prover)) = kept.iter().find(|(known, _)| known == id) {
            return Ok(Arc::clone(prover));
        }
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let prover = Prover::read(circuit.clone(), &mut BufReader::new(file)).with_context(|| path.display().to_string())?;
        if prover.record().id() != *id {
            bail!("{} is another key by now", path.display());
        }
        let prover = Arc::new(prover);
        if kept.len() >= PROVERS {
            kept.remove(0);
        }
        kept.push((*id, Arc::clone(&prover)));
        Ok(prover)
    }
}

/// What a private network gives for the input of a sealed node.
pub(super) fn compute(sealed: &Sealed, node: u32, input: &[i32]) -> Option<Vec<i32>> {
    let private = sealed.get(&node)?;
    let input = input.iter().map(|value| i8::try_from(*value).ok()).collect::<Option<Vec<_>>>()?;
    Some(private.network.run(&input).ok()?.elements())
}
