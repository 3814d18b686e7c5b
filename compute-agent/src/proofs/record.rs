//! A verification key as a file: what is registered on the chain.
use cairn_verifier::{KeyError, KeyRecord, Provenance, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Why a record is refused.
#[derive(Debug, thiserror::Error)]
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
}

/// A [`KeyRecord`] in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    /// Name of the key, 32 bytes: a hash of all that follows.
    pub id: String,
    /// Digest of the circuit, 32 bytes.
    pub circuit: String,
    /// Where the key comes from, 37 bytes.
    pub provenance: String,
    /// The key.
    pub key: String,
}

impl RecordFile {
    /// Of a record.
    #[must_use]
    pub fn of(record: &KeyRecord) -> Self {
        Self {
            id: hex::encode(record.id()),
            circuit: hex::encode(record.circuit),
            provenance: hex::encode(record.provenance.encode()),
            key: hex::encode(record.key.bytes()),
        }
    }

    /// The record, every point of its key checked.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn record(&self) -> Result<KeyRecord, RecordError> {
        let bytes = |text: &str, name| hex::decode(text).map_err(|_| RecordError::Hex(name));
        let circuit = bytes(&self.circuit, "circuit")?.try_into().map_err(|_| RecordError::Hex("circuit"))?;
        let provenance = Provenance::decode(&bytes(&self.provenance, "provenance")?)?;
        let record = KeyRecord { circuit, provenance, key: VerifyingKey::decode(&bytes(&self.key, "key")?)? };
        let found = hex::encode(record.id());
        if found == self.id { Ok(record) } else { Err(RecordError::Id { named: self.id.clone(), found }) }
    }
}

/// The provenance in words.
#[must_use]
pub fn in_words(provenance: &Provenance) -> String {
    match provenance {
        Provenance::Test => "a test key: whoever likes can forge proofs".to_owned(),
        Provenance::Single => "made by one party alone, who could forge proofs".to_owned(),
        Provenance::Ceremony { contributions, transcript } => {
            format!("a ceremony of {contributions} contributors, transcript {}", hex::encode(transcript))
        }
    }
}
