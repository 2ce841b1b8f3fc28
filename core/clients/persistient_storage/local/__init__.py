"""How the local client touches the disk: folders walked without following links, files published as one."""
