//! A folder that is there as a whole or not at all: written beside its place, then moved into it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Writes `files` as [`place`] does, and points `<parent>/latest` to them.
pub(super) fn replace(parent: &Path, name: &str, files: &[(&str, Vec<u8>)]) -> Result<PathBuf, Error> {
    let place = place(parent, name, files)?;
    point_latest(parent, name)?;
    Ok(place)
}

/// Writes `files` into `<parent>/<name>/`, in place of those of their names. All others stay: another run's quarantine,
/// forms this one was not asked for.
pub(super) fn place(parent: &Path, name: &str, files: &[(&str, Vec<u8>)]) -> Result<PathBuf, Error> {
    make_private(parent, true)?;
    let place = parent.join(name);
    swap(parent, name, |fresh| fill(fresh, &place, files).and_then(|()| carry_over(&place, fresh)))?;
    Ok(place)
}

/// Fails where [`place`] could not write at all.
pub(super) fn probe(parent: &Path, name: &str) -> Result<(), Error> {
    make_private(parent, true)?;
    let (_, fresh, _) = beside(parent, name);
    remove(&fresh).map_err(at(&fresh))?;
    make_private(&fresh, false)?;
    remove(&fresh).map_err(at(&fresh))
}

/// `<parent>/<name>/` as it is, or made anew, to add to one of its files.
pub(super) fn open(parent: &Path, name: &str) -> Result<PathBuf, Error> {
    make_private(parent, true)?;
    bring_back(parent, name)?;
    let place = parent.join(name);
    if !place.is_dir() {
        make_private(&place, false)?;
    }
    Ok(place)
}

/// A run that was killed between the two moves of a swap left the old folder beside its place.
fn bring_back(parent: &Path, name: &str) -> Result<(), Error> {
    let (place, _, old) = beside(parent, name);
    if !exists(&place) && exists(&old) { fs::rename(&old, &place).map_err(at(&place)) } else { Ok(()) }
}

/// Builds a fresh folder with `build` and moves it to `<parent>/<name>`. On failure the old one is still there.
fn swap(parent: &Path, name: &str, build: impl Fn(&Path) -> Result<(), Error>) -> Result<(), Error> {
    let (place, fresh, old) = beside(parent, name);
    bring_back(parent, name)?;
    remove(&fresh).map_err(at(&fresh))?;
    remove(&old).map_err(at(&old))?;
    let built = build(&fresh).and_then(|()| {
        if exists(&place) {
            fs::rename(&place, &old).map_err(at(&place))?;
        }
        fs::rename(&fresh, &place).map_err(|cause| {
            // The old report goes back where it was; where even that fails, the first cause is told.
            let _ = fs::rename(&old, &place);
            at(&place)(cause)
        })
    });
    if built.is_err() {
        let _ = remove(&fresh);
        return built;
    }
    // The report is in place: an old one that cannot be removed is removed by the next run.
    let _ = remove(&old);
    Ok(())
}

/// `latest` as a link where the system has them, else as a copy.
fn point_latest(parent: &Path, name: &str) -> Result<(), Error> {
    let (place, fresh, _) = beside(parent, "latest");
    let real_folder = fs::symlink_metadata(&place).is_ok_and(|m| m.is_dir());
    if !real_folder {
        remove(&fresh).map_err(at(&fresh))?;
        if link(Path::new(name), &fresh).is_ok() {
            return fs::rename(&fresh, &place).map_err(|cause| {
                let _ = remove(&fresh);
                at(&place)(cause)
            });
        }
    }
    swap(parent, "latest", |fresh| make_private(fresh, false).and_then(|()| carry_over(&parent.join(name), fresh)))
}

fn beside(parent: &Path, name: &str) -> (PathBuf, PathBuf, PathBuf) {
    (parent.join(name), parent.join(format!(".{name}.new")), parent.join(format!(".{name}.old")))
}

/// Writes `files` into `folder`, which is to become `place`: the name a person knows stands in the error.
fn fill(folder: &Path, place: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Error> {
    make_private(folder, false)?;
    for (name, bytes) in files {
        private_file(&folder.join(name))
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .map_err(at(&place.join(name)))?;
    }
    Ok(())
}

/// Puts the files of `place` that `folder` lacks into it as well.
fn carry_over(place: &Path, folder: &Path) -> Result<(), Error> {
    if !place.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(place).map_err(at(place))? {
        let from = entry.map_err(at(place))?.path();
        let to = folder.join(from.file_name().unwrap_or_default());
        if !exists(&to) && fs::symlink_metadata(&from).is_ok_and(|m| m.is_file()) {
            // A second name for the same bytes; where the file system knows none, a copy.
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).map_err(at(&from))?;
        }
    }
    Ok(())
}

/// Only its owner may enter: reports name people's addresses.
fn make_private(folder: &Path, parents: bool) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(parents);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(at(folder))
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn link(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Also true of a link that leads nowhere.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(m) if m.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::Write { path: path.clone(), cause }
}
