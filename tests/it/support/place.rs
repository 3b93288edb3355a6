//! Where temporary homes are: in memory where the machine has room there, since a
//! disk makes each test wait for many fsyncs.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::StatVfsMountFlags;
use tempfile::TempDir;

/// Free memory, in bytes, below which the homes are on the disk.
const ROOM: u64 = 2 << 30;

const HOUR: Duration = Duration::from_secs(3600);

/// Makes a temporary folder.
pub fn folder() -> TempDir {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let place = memory().unwrap_or_else(std::env::temp_dir);
        sweep(&place);
        place
    });
    tempfile::Builder::new()
        .prefix(&format!("modelry-{}-", std::process::id()))
        .tempdir_in(place)
        .expect("a temporary folder")
}

/// The file system in memory, if programs run from there and it has room.
fn memory() -> Option<PathBuf> {
    let memory = Path::new("/dev/shm");
    let system = rustix::fs::statvfs(memory).ok()?;
    let has_room = system.f_bavail.saturating_mul(system.f_frsize) >= ROOM;
    let runs = !system.f_flag.contains(StatVfsMountFlags::NOEXEC);
    let is_ours = tempfile::tempdir_in(memory).is_ok();
    (has_room && runs && is_ours).then(|| memory.to_owned())
}

/// Removes folders of processes that ended long ago: what a process makes once for all
/// its tests, it never drops.
fn sweep(place: &Path) {
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((process, _)) = name
            .strip_prefix("modelry-")
            .and_then(|rest| rest.split_once('-'))
        else {
            continue;
        };
        let proc = Path::new("/proc");
        let has_ended = proc.join("self").exists() && !proc.join(process).exists();
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if has_ended && age.is_some_and(|age| age > HOUR) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
