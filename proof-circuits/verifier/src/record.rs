//! A verification key as a file: everything that registering it on the chain takes.
use serde::{Deserialize, Serialize};

use crate::{CircuitKind, KeyError, KeyRecord, MAX_RUNS, Provenance, Sizes, VerifyingKey};

/// Why a record is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A field that is not hexadecimal of its length.
    #[error("`{0}` is not hexadecimal of its length")]
    Hex(&'static str),
    /// A key under which proofs could be forged, or an unknown provenance.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A name that is not that of its contents.
    #[error("the record names itself {named}, its contents are {found}")]
    Id {
        /// What the file says.
        named: String,
        /// What follows from the rest.
        found: String,
    },
    /// Neither a program nor sizes, or both.
    #[error("a key is of a program or of sizes, and of one of them")]
    Of,
    /// A circuit that is not the one of its sizes.
    #[error("the circuit is not the one of these sizes with {0} runs")]
    Sizes(u32),
    /// More runs than a proof may hold, or none with a program.
    #[error("no proof under it holds {0} runs")]
    Runs(u32),
}

/// A [`KeyRecord`] in words, with what the chain asks for besides. Bytes are lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    /// Name of the key, 32 bytes: a hash of circuit, provenance and key.
    pub id: String,
    /// Digest of the circuit, 32 bytes.
    pub circuit: String,
    /// Where the key comes from, 37 bytes.
    pub provenance: String,
    /// The key.
    pub key: String,
    /// Runs that a proof holds; 0: it proves that a commitment opens to weights.
    pub runs: u32,
    /// The program whose weights are constants of the circuit, 32 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Sizes of the networks that the circuit serves, where the weights stay private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Sizes>,
}

/// What a key is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serves {
    /// One program, whose weights are constants of the circuit.
    Program([u8; 32]),
    /// All networks of these sizes.
    Sizes(Sizes),
}

impl RecordFile {
    /// Of a record, of what it serves, and of how many runs a proof holds.
    #[must_use]
    pub fn of(record: &KeyRecord, serves: &Serves, runs: u32) -> Self {
        let (program, sizes) = match serves {
            Serves::Program(id) => (Some(hex::encode(id)), None),
            Serves::Sizes(sizes) => (None, Some(sizes.clone())),
        };
        Self {
            id: hex::encode(record.id()),
            circuit: hex::encode(record.circuit),
            provenance: hex::encode(record.provenance.encode()),
            key: hex::encode(record.key.bytes()),
            runs,
            program,
            sizes,
        }
    }

    /// The record, everything that can be checked by itself checked: each point of the key, the name, and that a circuit of sizes is the one they name.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn record(&self) -> Result<KeyRecord, RecordError> {
        let bytes = |text: &str, name| hex::decode(text).map_err(|_| RecordError::Hex(name));
        let circuit = bytes(&self.circuit, "circuit")?.try_into().map_err(|_| RecordError::Hex("circuit"))?;
        let provenance = Provenance::decode(&bytes(&self.provenance, "provenance")?)?;
        let record = KeyRecord { circuit, provenance, key: VerifyingKey::decode(&bytes(&self.key, "key")?)? };
        let found = hex::encode(record.id());
        if found != self.id {
            return Err(RecordError::Id { named: self.id.clone(), found });
        }
        match self.serves()? {
            Serves::Program(_) if self.runs == 0 => return Err(RecordError::Runs(0)),
            Serves::Sizes(sizes) if sizes.digest(kind(self.runs), self.runs, &[]) != record.circuit => {
                return Err(RecordError::Sizes(self.runs));
            }
            _ => (),
        }
        if usize::try_from(self.runs).is_ok_and(|runs| runs <= MAX_RUNS) { Ok(record) } else { Err(RecordError::Runs(self.runs)) }
    }

    /// What it serves.
    ///
    /// # Errors
    /// [`RecordError::Of`], [`RecordError::Hex`].
    pub fn serves(&self) -> Result<Serves, RecordError> {
        match (&self.program, &self.sizes) {
            (Some(id), None) => {
                let id = hex::decode(id).ok().and_then(|bytes| bytes.try_into().ok());
                id.map(Serves::Program).ok_or(RecordError::Hex("program"))
            }
            (None, Some(sizes)) => Ok(Serves::Sizes(sizes.clone())),
            _ => Err(RecordError::Of),
        }
    }
}

/// What a circuit of sizes proves.
fn kind(runs: u32) -> CircuitKind {
    if runs == 0 { CircuitKind::Registration } else { CircuitKind::Committed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LayerSizes, testing::keys};

    fn sizes() -> Sizes {
        Sizes { inputs: 4, layers: vec![LayerSizes { outputs: 2, shift: 0, relu: false }], values: false }
    }

    fn of(serves: &Serves, runs: u32, circuit: [u8; 32]) -> RecordFile {
        let key = VerifyingKey::new(&keys().1).expect("a key");
        RecordFile::of(&KeyRecord { circuit, provenance: Provenance::Single, key }, serves, runs)
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_nothing_else() {
        let program = of(&Serves::Program([3; 32]), 2, [1; 32]);
        assert!(program.record().is_ok() && program.serves() == Ok(Serves::Program([3; 32])));
        let committed = of(&Serves::Sizes(sizes()), 2, sizes().digest(CircuitKind::Committed, 2, &[]));
        let registration = of(&Serves::Sizes(sizes()), 0, sizes().digest(CircuitKind::Registration, 0, &[]));
        assert!(committed.record().is_ok() && registration.record().is_ok());

        let changed = |change: &dyn Fn(&mut RecordFile)| {
            let mut file = program.clone();
            change(&mut file);
            file.record().expect_err("a fault")
        };
        assert_eq!(changed(&|file| file.circuit = "zz".into()), RecordError::Hex("circuit"));
        assert_eq!(changed(&|file| file.circuit = "00".into()), RecordError::Hex("circuit"));
        assert_eq!(changed(&|file| file.program = Some("00".into())), RecordError::Hex("program"));
        assert_eq!(changed(&|file| file.provenance = "00".into()), RecordError::Key(KeyError::Provenance));
        assert_eq!(changed(&|file| file.key = "00".into()), RecordError::Key(KeyError::Length));
        assert!(matches!(changed(&|file| file.circuit = "02".repeat(32)), RecordError::Id { .. }));
        assert_eq!(changed(&|file| file.sizes = Some(sizes())), RecordError::Of);
        assert_eq!(changed(&|file| file.program = None), RecordError::Of);
        assert_eq!(changed(&|file| file.runs = 0), RecordError::Runs(0));
        assert_eq!(changed(&|file| file.runs = 65), RecordError::Runs(65));
        assert_eq!(RecordFile { runs: 1, ..committed.clone() }.record(), Err(RecordError::Sizes(1)));
        assert_eq!(RecordFile { runs: 0, ..committed }.record(), Err(RecordError::Sizes(0)));
    }
}
