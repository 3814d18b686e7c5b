//! Croissant 1.1: tables of items and labels, and the JSON-LD that describes them, their hashes, licence, lineage and making.
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Done, Exporter, Out,
    csv::{COLUMNS, Csv, cell, has_text, record},
    places::{Folder, TextFile},
};
use crate::{
    error::{Error, Result},
    model::{Item, Job},
};

pub(super) struct Croissant {
    job: Job,
    folder: Folder,
    items: Box<Csv>,
    labels: TextFile,
}

const LABEL_COLUMNS: [&str; 7] = ["item", "task", "worker", "answer", "late", "paid", "reason"];

impl Croissant {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        if job.licence.is_empty() {
            return Err(Error::Refused("Croissant names the licence of a data set; name it with --licence URL".into()));
        }
        let folder = Folder::open(out)?;
        let items = Box::new(Csv::open(job, Out::Path(folder.place("items.csv")?))?);
        let mut labels = folder.create("labels.csv")?;
        labels.write(&record(LABEL_COLUMNS.map(str::to_owned)))?;
        Ok(Self { job: job.clone(), folder, items, labels })
    }
}

impl Exporter for Croissant {
    fn item(&mut self, item: &Item) -> Result<()> {
        self.items.item(item)?;
        for label in &item.labels {
            let answer = cell(&label.answer, &self.job)?;
            let cells = [
                item.name.clone(),
                item.task.to_string(),
                label.worker.clone(),
                answer,
                label.late.to_string(),
                label.paid.to_string(),
                label.reason.clone(),
            ];
            self.labels.write(&record(cells))?;
        }
        Ok(())
    }
    fn finish(self: Box<Self>) -> Result<Done> {
        let Self { job, folder, items, labels } = *self;
        items.finish()?;
        labels.finish()?;
        let files = [
            file(&folder, "items.csv", "One row a task: item, answer, posterior, votes.")?,
            file(&folder, "labels.csv", "One row a label.")?,
        ];
        let mut described = description(&job);
        if let Some(fields) = described.as_object_mut() {
            fields.insert("distribution".into(), files.into_iter().collect());
            fields.insert("recordSet".into(), json!([items_set(&job), labels_set()]));
        }
        let text = serde_json::to_string_pretty(&described).map_err(|e| Error::Refused(e.to_string()))?;
        folder.write("croissant.json", &text)?;
        Ok(Done { written: vec![folder.finish()?], notes: Vec::new() })
    }
}

/// A file's entry, with its size and hash.
fn file(folder: &Folder, name: &str, about: &str) -> Result<Value> {
    let path = folder.place(name)?;
    let (sha256, bytes) = hashed(&path).map_err(Error::io("read", &path))?;
    Ok(json!({
        "@type": "cr:FileObject", "@id": name, "name": name, "description": about, "contentUrl": name, "contentSize": format!("{bytes} B"),
        "encodingFormat": "text/csv", "sha256": sha256,
    }))
}

fn hashed(path: &Path) -> io::Result<(String, u64)> {
    let (mut file, mut hasher, mut chunk, mut bytes) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16], 0_u64);
    loop {
        let read = file.read(&mut chunk)?;
        let Some(part) = chunk.get(..read).filter(|p| !p.is_empty()) else { return Ok((hex::encode(hasher.finalize()), bytes)) };
        hasher.update(part);
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

fn field(set: &str, column: &str, kind: Value, about: &str) -> Value {
    json!({
        "@type": "cr:Field", "@id": format!("{set}/{column}"), "name": column, "description": about, "dataType": kind,
        "source": { "fileObject": { "@id": format!("{set}.csv") }, "extract": { "column": column } },
    })
}

fn items_set(job: &Job) -> Value {
    let column = |name: &str| match name {
        "posterior" => field("items", name, "sc:Float".into(), "Probability of the answer."),
        "posteriors" => field("items", name, "sc:Text".into(), "Probability of each class, as JSON."),
        "votes" => field("items", name, "sc:Text".into(), "Accepted labels a class in the order of classes, as JSON."),
        "gold" => field("items", name, "sc:Boolean".into(), "Whether the requester had committed to the answer beforehand."),
        "truth" => field("items", name, "sc:Text".into(), "That answer."),
        "labels" => field("items", name, "sc:Text".into(), "The accepted labels under pseudonyms, as JSON."),
        "sha256" => field("items", name, "sc:Text".into(), "SHA-256 of the item's content."),
        "bytes" => field("items", name, "sc:Integer".into(), "Size of the item's content."),
        "width" => field("items", name, "sc:Integer".into(), "Width of a picture in pixels."),
        "height" => field("items", name, "sc:Integer".into(), "Height of a picture in pixels."),
        "chain" => field("items", name, "sc:Text".into(), "The chain on which it was labelled."),
        "job" => field("items", name, "sc:Integer".into(), "The job there."),
        "settled" => field("items", name, "sc:Boolean".into(), "Whether that is settled."),
        other => field("items", other, "sc:Text".into(), "The model that inferred the answer."),
    };
    let answer = job.kind.field();
    let about = if job.kind.is_one_class() { "The answer." } else { "The answer, as JSON unless it is a text." };
    let mut fields = vec![
        field("items", "item", "sc:Text".into(), "Name of the item."),
        field("items", "task", "sc:Integer".into(), "Number of the task."),
        field("items", answer, json!(["sc:Text", "cr:Label"]), about),
    ];
    fields.extend(COLUMNS.map(column));
    fields.extend(has_text(job).then(|| field("items", "text", "sc:Text".into(), "The item's content.")));
    json!({ "@type": "cr:RecordSet", "@id": "items", "name": "items", "key": { "@id": "items/task" }, "field": fields })
}

fn labels_set() -> Value {
    let about = |column: &str| match column {
        "item" => "Name of the item.",
        "task" => "Number of the task.",
        "worker" => "Pseudonym of the annotator: one in this job, another in each other one.",
        "answer" => "What the annotator said.",
        "late" => "Whether it came in the late round, after the first inference.",
        "paid" => "Whether it was paid for.",
        _ => "Reason code of the pay.",
    };
    let kind = |column: &str| match column {
        "task" => "sc:Integer",
        "late" | "paid" => "sc:Boolean",
        _ => "sc:Text",
    };
    let mut fields: Vec<Value> = LABEL_COLUMNS.iter().map(|c| field("labels", c, kind(c).into(), about(c))).collect();
    if let Some(task) = fields.get_mut(1).and_then(Value::as_object_mut) {
        task.insert("references".into(), json!({ "field": { "@id": "items/task" } }));
    }
    json!({ "@type": "cr:RecordSet", "@id": "labels", "name": "labels", "field": fields })
}

/// Everything but files and tables.
fn description(job: &Job) -> Value {
    let id = identifier(job);
    let url = job.gateways.first().map_or_else(|| id.clone(), |g| format!("{}/v1/jobs/{}", g.trim_end_matches('/'), job.id));
    let inferred = format!(
        "Each item was shown to up to {} independent annotators, {} in all, who committed to their answers before seeing others'. \
         The answers were aggregated on chain by the model '{}' (integer Dawid-Skene family) with hidden gold tasks; its digest is {}.",
        job.overlap, job.workers, job.model, job.digest
    );
    json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "@id": id,
        "name": job.title,
        "description": if job.description.is_empty() { &job.title } else { &job.description },
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "license": job.licence,
        "url": url,
        "version": "1.0.0",
        "datePublished": job.date,
        "creator": { "@type": "sc:Organization", "name": job.requester },
        "keywords": ["annotation", job.kind.name(), job.item_kind.word()],
        "citeAs": format!("{} ({}), job {} on {}", job.title, job.date, job.id, job.chain),
        "rai:dataCollection":
            format!("Items were given by the requester {}; their manifest has the RFC 6962 root {}.", job.requester, job.manifest_root),
        "rai:dataAnnotationProtocol": [job.description, inferred],
        "rai:dataAnnotationPlatform": [format!("Cairn, chain {}", job.chain)],
        "rai:annotationsPerItem": format!("up to {}", job.overlap),
        "rai:dataAnnotationAnalysis":
            ["Every item carries its posterior and all its labels, so that they can be aggregated anew. \
              Annotators are paid by chance-corrected agreement."],
        "rai:machineAnnotationTools": [format!("{} (aggregation only; no label was made by a machine of the platform)", job.model)],
        "rai:annotatorDemographics": ["Not collected. Annotators are chain accounts and appear under keyed pseudonyms."],
        "rai:personalSensitiveInformation": ["Pseudonyms of annotators. Labels are public on the chain, so whoever compares them there \
                                              can find the accounts behind pseudonyms."],
        "prov:wasDerivedFrom": { "@id": format!("urn:cairn:{}:manifest:{}", job.chain, job.manifest_root) },
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity", "@id": format!("{id}:settlement"),
            "prov:label": format!("annotation job {} on {}, settled by {} with digest {}", job.id, job.chain, job.model, job.digest),
        },
        "prov:wasAttributedTo": {
            "@type": "prov:Agent", "@id": format!("urn:cairn:{}:account:{}", job.chain, job.requester), "prov:label": job.requester,
        },
        "cairn:lineage": {
            "cairn:chain": job.chain, "cairn:job": job.id, "cairn:asset": job.asset, "cairn:manifestRoot": job.manifest_root,
            "cairn:contributorsRoot": job.contributors_root, "cairn:digest": job.digest, "cairn:model": job.model,
            "cairn:state": job.state, "cairn:settled": job.settled,
        },
    })
}

/// The data set: the asset if it was published, else the job.
fn identifier(job: &Job) -> String {
    if job.asset > 0 { format!("urn:cairn:{}:asset:{}", job.chain, job.asset) } else { format!("urn:cairn:{}:job:{}", job.chain, job.id) }
}

/// The context that the specification asks for, with the vocabularies of RAI, PROV and our own.
fn context() -> Value {
    let mut context = json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "prov": "http://www.w3.org/ns/prov#",
        "cairn": "urn:cairn:vocabulary:",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "description": { "@container": "@language" },
        "name": { "@container": "@language" },
    });
    let own = [
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isArray",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
    ];
    if let Some(fields) = context.as_object_mut() {
        fields.extend(own.map(|term| (term.to_owned(), format!("cr:{term}").into())));
    }
    context
}
