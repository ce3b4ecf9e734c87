//! Where drafts lie: one file a letter, for the operator's eyes only.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::Disclosure;
use crate::error::Error;

/// `customer-1f2e3d4c5b6a7980.eml`
pub fn file_name(disclosure: &Disclosure) -> String {
    format!("{}-{}.eml", disclosure.matter.audience.name(), disclosure.id)
}

/// Writes `letter` into `folder`, mode 0600; a draft of the same name is replaced as a whole.
pub fn keep(folder: &Path, disclosure: &Disclosure, letter: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.join(file_name(disclosure));
    let fresh = folder.join(format!(".{}.new", file_name(disclosure)));
    let write = || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(letter)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)
    };
    write().map_err(|cause| Error::Write { path: path.clone(), cause })?;
    Ok(path)
}
