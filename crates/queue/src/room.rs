//! The room that the database takes on the disk, for whoever cleans the history.

use crate::engine::{Room, TableRoom};
use crate::{Queue, QueueError};

impl Queue {
    /// The room that the database takes on the disk.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn room(&self) -> Result<Room, QueueError> {
        self.engine.room().await
    }

    /// Rows and bytes of the tables that hold the history. Counting looks at every row's key: for when
    /// somebody asks.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn table_rooms(&self) -> Result<Vec<TableRoom>, QueueError> {
        self.engine.table_rooms().await
    }

    /// Gives some of the free room back to the disk, and pauses so that others get their turn; the bytes
    /// that are still free. Only for [`crate::Release::InSteps`]; the files shrink with
    /// [`Queue::settle_files`]. Elsewhere it does nothing.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached or its disk is full.
    pub async fn release_room(&self) -> Result<u64, QueueError> {
        self.engine.release_room().await
    }

    /// Cuts the files to what they hold; false when others were reading or writing, and it is worth another try.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached or its disk is full.
    pub async fn settle_files(&self) -> Result<bool, QueueError> {
        self.engine.settle_files().await
    }

    /// Writes a file anew that cannot give room back in steps; from then on it can. Others who want to write
    /// wait meanwhile, so it is not done, and the answer is false, for more than 200 MiB of content.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached, or there is no room for the second copy;
    /// the file is as it was.
    pub async fn rewrite_file(&self) -> Result<bool, QueueError> {
        self.engine.rewrite_file().await
    }
}
