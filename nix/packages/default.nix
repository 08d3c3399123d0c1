{ fabric-ccs-builder }: fabric-ccs-builder
