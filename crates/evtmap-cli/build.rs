//! Gives the program for Windows its version resource and its manifest.

use std::env;
use std::io;

/// What Windows is told of the program: it runs with the rights that it was started with, knows paths of more
/// than 260 characters, and takes texts to be UTF-8.
const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <assemblyIdentity type="win32" name="evtmap" version="0.1.0.0"/>
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security>
      <requestedPrivileges>
        <requestedExecutionLevel level="asInvoker" uiAccess="false"/>
      </requestedPrivileges>
    </security>
  </trustInfo>
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application>
      <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
    </application>
  </compatibility>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <activeCodePage xmlns="http://schemas.microsoft.com/SMI/2019/WindowsSettings">UTF-8</activeCodePage>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
    </windowsSettings>
  </application>
</assembly>
"#;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // The compiler of resources for Microsoft's linker exists on Windows only; elsewhere such a build is a check.
    if target("OS") != "windows" || (target("ENV") == "msvc" && !cfg!(windows)) {
        return Ok(());
    }
    let mut resource = winresource::WindowsResource::new();
    resource.set("ProductName", "evtmap");
    resource.set("FileDescription", "Windows event logs to MITRE ATT&CK");
    resource.set("OriginalFilename", "evtmap.exe");
    resource.set("LegalCopyright", "MIT or Apache-2.0");
    resource.set_manifest(MANIFEST);
    resource.compile()
}
