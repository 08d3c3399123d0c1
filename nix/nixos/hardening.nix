# The program needs files and its log, so everything else is denied to its units.
{
  NoNewPrivileges = true;
  ProtectSystem = "strict";
  # Not "yes": builds may be below /home or /root.
  ProtectHome = "read-only";
  PrivateTmp = true;
  PrivateDevices = true;
  PrivateNetwork = true;
  PrivateIPC = true;
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  ProtectProc = "invisible";
  ProcSubset = "pid";
  RestrictAddressFamilies = "none";
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  RemoveIPC = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = [
    "@system-service"
    "~@privileged @resources"
  ];
  SystemCallErrorNumber = "EPERM";
  DevicePolicy = "closed";
  IPAddressDeny = "any";
  UMask = "0077";
}
