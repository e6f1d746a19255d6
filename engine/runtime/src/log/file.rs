//! The log file: appended to, rotated by size, a fixed number kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// `pitlane.log`, and the older `pitlane.log.1` and so on.
pub(super) struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    files: usize,
    file: File,
    bytes: u64,
}

impl RotatingFile {
    /// Opens the file to append, making its folder. `files` counts the current one.
    pub(super) fn open(path: &Path, max_bytes: u64, files: usize) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path: path.to_path_buf(),
            max_bytes,
            files: files.max(1),
            file,
            bytes,
        })
    }

    /// Appends whole lines, into a new file when they would make this one too large.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = lines.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.max_bytes {
            self.rotate()?;
        }
        self.file.write_all(lines)?;
        self.bytes += length;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        // The oldest falls off the end: renaming replaces.
        for number in (1..self.files).rev() {
            let older = self.numbered(number);
            let newer = if number == 1 {
                self.path.clone()
            } else {
                self.numbered(number - 1)
            };
            match fs::rename(newer, older) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.files == 1 {
            fs::remove_file(&self.path)?;
        }
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
