//! The calls of Windows' shell: what is shown beside the clock. `wevtapi.rs` says what holds for files like this.

#![expect(unsafe_code, reason = "Windows' functions are foreign; each call says why it is sound")]

use std::mem::size_of;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::UI::Shell::{
    NIF_ICON, NIF_INFO, NIF_TIP, NIIF_WARNING, NIM_ADD, NIM_DELETE, NIM_MODIFY, NOTIFYICONDATAW,
    Shell_NotifyIconW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, HWND_MESSAGE, IDI_WARNING, LoadIconW,
};

use crate::api::{checked, last_error, wide};
use crate::error::Code;

/// The class of windows that Windows has anyway and that do nothing by themselves.
const CLASS: &str = "STATIC";

/// An icon beside the clock, and the window that icons have to belong to, which nobody sees. It stays on the
/// thread that made it.
pub(crate) struct Icon(HWND);

impl Icon {
    pub(crate) fn open() -> Result<Self, Code> {
        let class = wide(CLASS);
        // SAFETY: the class ends with a NUL and outlives the call; a window for messages alone has no menu, and
        // its class takes no parameter.
        let window = unsafe {
            CreateWindowExW(
                0,
                class.as_ptr(),
                null(),
                0,
                0,
                0,
                0,
                0,
                HWND_MESSAGE,
                null_mut(),
                null_mut(),
                null(),
            )
        };
        if window.is_null() {
            return Err(last_error());
        }
        let icon = Self(window);
        // SAFETY: one of Windows' own icons, which nobody frees.
        let picture = unsafe { LoadIconW(null_mut(), IDI_WARNING) };
        let data = NOTIFYICONDATAW { uFlags: NIF_ICON | NIF_TIP, hIcon: picture, ..icon.data("evtmap") };
        icon.tell(NIM_ADD, &data)?;
        Ok(icon)
    }

    /// Shows a text beside the clock.
    pub(crate) fn show(&self, title: &str, text: &str) -> Result<(), Code> {
        let mut data = NOTIFYICONDATAW { uFlags: NIF_INFO, dwInfoFlags: NIIF_WARNING, ..self.data("") };
        put(title, &mut data.szInfoTitle);
        put(text, &mut data.szInfo);
        self.tell(NIM_MODIFY, &data)
    }

    fn data(&self, tip: &str) -> NOTIFYICONDATAW {
        let size = u32::try_from(size_of::<NOTIFYICONDATAW>()).unwrap_or_default();
        let mut data = NOTIFYICONDATAW { cbSize: size, hWnd: self.0, uID: 1, ..NOTIFYICONDATAW::default() };
        put(tip, &mut data.szTip);
        data
    }

    fn tell(&self, what: u32, data: &NOTIFYICONDATAW) -> Result<(), Code> {
        // SAFETY: the data says its own size, its window is open, its texts end with a NUL, and it outlives the
        // call.
        checked(unsafe { Shell_NotifyIconW(what, &raw const *data) })
    }
}

impl Drop for Icon {
    fn drop(&mut self) {
        // One that could not be added is not there.
        let _ = self.tell(NIM_DELETE, &self.data(""));
        // SAFETY: the window is open, and this is the thread that made it, which the value never leaves.
        let _ = unsafe { DestroyWindow(self.0) };
    }
}

/// Puts a text into a place, cut where it is full, with a NUL at the end.
fn put(text: &str, place: &mut [u16]) {
    let n_units = place.len().saturating_sub(1);
    let units = wide(text);
    place.iter_mut().zip(units.iter().take(n_units)).for_each(|(place, unit)| *place = *unit);
}
