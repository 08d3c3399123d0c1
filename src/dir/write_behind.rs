//! A writer that writes on another thread, so that a large file is hashed and written at the same time.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Pieces that wait to be written: more are more memory, and no faster.
const WAITING: usize = 4;

/// Writes to a file from a thread of its own.
pub struct WriteBehind<'scope> {
    pieces: SyncSender<Vec<u8>>,
    /// Buffers whose piece is written.
    used: Receiver<Vec<u8>>,
    thread: ScopedJoinHandle<'scope, io::Result<()>>,
}

impl<'scope> WriteBehind<'scope> {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start<'env>(scope: &'scope Scope<'scope, 'env>, file: File) -> io::Result<Self> {
        let (pieces, waiting) = sync_channel(WAITING);
        let (written, used) = channel();
        let thread =
            thread::Builder::new().spawn_scoped(scope, move || write(file, waiting, &written))?;
        Ok(Self {
            pieces,
            used,
            thread,
        })
    }

    /// Hands a piece over. An error of writing is told by [`WriteBehind::finish`].
    ///
    /// # Errors
    /// When an earlier piece could not be written, so that more are of no use.
    pub fn write(&self, piece: &[u8]) -> io::Result<()> {
        let mut buffer = self.used.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(piece);
        self.pieces
            .send(buffer)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// When some piece could not be written.
    pub fn finish(self) -> io::Result<()> {
        drop(self.pieces);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writing thread ended")))
    }
}

fn write(mut file: File, waiting: Receiver<Vec<u8>>, written: &Sender<Vec<u8>>) -> io::Result<()> {
    for piece in waiting {
        file.write_all(&piece)?;
        // Nobody wants the buffer back at the end.
        let _ = written.send(piece);
    }
    Ok(())
}
